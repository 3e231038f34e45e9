
(() => {
  'use strict';
  const root = document.documentElement;
  const find = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, text, parent) => {
    const element = document.createElement(name);
    element.textContent = text;
    parent.append(element);
    return element;
  };
  const data = JSON.parse(find('data').textContent);
  root.classList.add('js');

  // The chosen colours, where the browser keeps them.
  const kept = (value) => {
    try {
      if (value) localStorage.setItem('zkassay-colours', value);
      return localStorage.getItem('zkassay-colours');
    } catch {
      return null;
    }
  };
  for (const radio of document.getElementsByName('theme')) {
    if (radio.value === kept()) radio.checked = true;
    radio.addEventListener('change', () => kept(radio.value));
  }

  // One model is marked in all plots and tables at once.
  const marks = new Map();
  for (const element of all('[data-m]')) {
    const model = element.dataset.m;
    if (!marks.has(model)) marks.set(model, []);
    marks.get(model).push(element);
  }
  let lit = null;
  const mark = (model) => {
    if (model === lit) return;
    for (const element of marks.get(lit) ?? []) element.classList.remove('hot');
    for (const element of marks.get(model) ?? []) element.classList.add('hot');
    root.classList.toggle('lit', model !== null);
    lit = model;
  };

  // The tooltip: all figures of a model, and of the other prover whose point it is.
  const tip = find('tip');
  const rows = (labels, values, parent) => {
    const list = make('dl', '', parent);
    labels.forEach((label, index) => {
      if (values[index] === '-') return;
      const row = make('div', '', list);
      make('dt', label, row);
      make('dd', values[index], row);
    });
  };
  const hide = () => {
    tip.hidden = true;
    mark(null);
  };
  const show = (point) => {
    const model = data.models[point.model];
    if (!model) return;
    tip.replaceChildren();
    make('strong', model.tag, tip);
    make('span', model.group, tip).className = 'note';
    if (point.peer === undefined) {
      rows(data.labels, model.rows, tip);
    } else {
      make('h4', data.provers[point.peer] ?? '', tip);
      const peer = model.peers.find(([index]) => String(index) === point.peer);
      rows(data.peerLabels, peer ? peer[1] : [], tip);
    }
    tip.hidden = false;
    mark(point.model);
    const box = point.use.getBoundingClientRect();
    const { width, height } = tip.getBoundingClientRect();
    const room = root.clientWidth - 8;
    const right = box.right + 14;
    let left = right + width <= room ? right : box.left - 14 - width;
    let top = box.top + box.height / 2 - height / 2;
    if (left < 8) {
      // No room on either side: above the point, or below it.
      left = Math.max(8, Math.min(box.left - width / 2, room - width));
      top = box.top - height - 14 >= 8 ? box.top - height - 14 : box.bottom + 14;
    }
    top = Math.max(8, Math.min(top, window.innerHeight - height - 8));
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  };

  const plots = all('svg.chart').map((svg) => {
    const points = all('.pt', svg).map((element) => {
      const use = element.querySelector('use');
      const title = element.querySelector('title');
      element.setAttribute('role', 'img');
      element.setAttribute('aria-label', title.textContent);
      element.setAttribute('tabindex', '-1');
      title.remove();
      return {
        element,
        use,
        model: element.dataset.m,
        peer: element.dataset.p,
        x: element.transform.baseVal[0].matrix.e,
        y: element.transform.baseVal[0].matrix.f,
      };
    });
    return { svg, points };
  });

  for (const { svg, points } of plots) {
    const nearest = (event) => {
      const inverse = svg.getScreenCTM()?.inverse();
      if (!inverse) return null;
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(inverse);
      const reach = (event.pointerType === 'mouse' ? 22 : 34) * inverse.a;
      let best = null;
      let least = reach;
      for (const point of points) {
        const out = point.element.classList.contains('out') ? 1.6 : 1;
        const distance = Math.hypot(point.x - at.x, point.y - at.y) * out;
        if (distance < least) [best, least] = [point, distance];
      }
      return best;
    };
    const react = (event) => {
      const point = nearest(event);
      if (point) show(point);
      else hide();
    };
    svg.addEventListener('pointermove', react);
    svg.addEventListener('pointerdown', react);
    svg.addEventListener('pointerleave', (event) => {
      if (event.pointerType === 'mouse') hide();
    });
    // With the keyboard: one stop per plot, arrows go from point to point.
    const order = [...points].sort((a, b) => a.x - b.x || b.y - a.y);
    order[0]?.element.setAttribute('tabindex', '0');
    order.forEach((point, index) => {
      point.element.addEventListener('focus', () => {
        if (point.element.matches(':focus-visible')) show(point);
      });
      point.element.addEventListener('blur', hide);
      point.element.addEventListener('keydown', (event) => {
        const last = order.length - 1;
        const next = {
          ArrowRight: index + 1,
          ArrowUp: index + 1,
          ArrowLeft: index - 1,
          ArrowDown: index - 1,
          Home: 0,
          End: last,
        }[event.key];
        if (event.key === 'Escape') hide();
        if (next === undefined) return;
        event.preventDefault();
        const to = order[Math.max(0, Math.min(last, next))];
        point.element.setAttribute('tabindex', '-1');
        to.element.setAttribute('tabindex', '0');
        to.element.focus();
      });
    });
  }
  document.addEventListener('pointerdown', (event) => {
    if (!event.target.closest?.('svg.chart')) hide();
  });
  document.addEventListener('scroll', () => {
    if (!tip.hidden && !document.activeElement?.matches?.('.pt')) hide();
  }, { passive: true });
  for (const row of all('tr[data-m]')) {
    row.addEventListener('mouseenter', () => mark(row.dataset.m));
    row.addEventListener('mouseleave', () => mark(null));
  }

  // The budget form: the most accurate model within the limits, the cheapest of equal ones.
  const form = find('budget');
  const sliders = form ? [
    { id: 'max-prove', of: 'prove', name: 'time of a proof', any: 'any time', isMost: true },
    { id: 'max-proof', of: 'proof', name: 'size of a proof', any: 'any size', isMost: true },
    { id: 'min-accuracy', of: 'accuracy', name: 'accuracy', any: 'any', isMost: false },
  ] : [];
  // Nothing fits: the model that misses by the smallest factor, and what alone would let one in.
  const near = (models, limits, meets, hints) => {
    const missed = models.map(({ model }) => {
      const misses = limits.filter((limit) => !meets(model, limit)).map((limit) => {
        const { of, isMost, value } = limit;
        const factor = isMost ? model[of] / value : value / model[of];
        return { ...limit, found: model[of], factor: model[of] === null || Number.isNaN(factor) ? Infinity : factor };
      });
      return { model, misses, distance: misses.reduce((sum, { factor }) => sum + Math.log(factor), 0) };
    });
    missed.sort((a, b) => a.distance - b.distance);
    // Every figure is one of the slider's steps.
    const step = ({ of, isMost, found }) => (isMost
      ? data.limits[of].find(([value]) => found <= value * (1 + 1e-9))
      : data.limits[of].findLast(([value]) => found >= value * (1 - 1e-9)));
    for (const miss of missed[0]?.misses ?? []) {
      const { name, of, found, text, factor, value } = miss;
      const by = of === 'accuracy' ? `${((value - found) * 100).toFixed(1)} points` : `${factor.toPrecision(3)} times`;
      const shown = step(miss)?.[1];
      make('li', shown ? `${name} ${shown} instead of ${text} (${by})` : `${name} is not known`, hints);
    }
    let isAny = false;
    for (const { id, text } of limits) {
      const alone = missed.filter(({ misses }) => misses.length === 1 && misses[0].id === id);
      const [least] = alone;
      const to = least && step(least.misses[0]);
      if (!to) continue;
      isAny = true;
      make('li', `--${id} ${to[2]} instead of ${text} would let ${least.model.tag} in`, hints);
    }
    if (!isAny) make('li', 'Every model misses several limits, or a figure is not known.', hints);
    return missed[0]?.model;
  };
  const choose = () => {
    const limits = [];
    const words = ['zkassay choose .'];
    for (const { id, of, name, any, isMost } of sliders) {
      const steps = data.limits[of];
      const slider = find(id);
      const step = isMost ? steps[slider.value] : steps[slider.value - 1];
      const text = step ? step[1] : any;
      find(`${id}-shown`).textContent = text;
      slider.setAttribute('aria-valuetext', text);
      if (step) {
        limits.push({ id, of, name, isMost, value: step[0], text });
        words.push(`--${id} ${step[2]}`);
      }
    }
    // Limits are rounded; their last bit decides nothing.
    const meets = (model, { of, isMost, value }) => model[of] !== null
      && (isMost ? model[of] <= value * (1 + 1e-9) : model[of] >= value * (1 - 1e-9));
    const known = data.models.map((model, index) => ({ model, index }))
      .filter(({ model }) => model.accuracy !== null && model.prove !== null);
    const within = known.filter(({ model }) => limits.every((limit) => meets(model, limit)));
    within.sort((a, b) => b.model.accuracy - a.model.accuracy || a.model.prove - b.model.prove);
    const best = within[0];
    const inside = new Set(within.map(({ index }) => String(index)));
    const count = data.models.length;
    find('picked-count').textContent = !best
      ? 'No model fits all limits. The nearest:'
      : count === 1 ? 'The only model fits:'
        : `${within.length} of ${count} models ${within.length === 1 ? 'fits' : 'fit'}. The most accurate:`;
    const hints = find('picked-hints');
    hints.replaceChildren();
    const nearest = best ? null : near(known, limits, meets, hints);
    find('picked-tag').textContent = best?.model.tag ?? nearest?.tag ?? '';
    const list = find('picked-rows');
    list.replaceChildren();
    if (best) {
      data.labels.forEach((label, index) => {
        if (label === 'Float accuracy' || label === 'Verifying key' || best.model.rows[index] === '-') return;
        const row = make('div', '', list);
        make('dt', label, row);
        make('dd', best.model.rows[index].replace(/ \[.*/, ''), row);
      });
    }
    find('picked-command').textContent = words.join(' ');
    for (const { svg, points } of plots) {
      const steps = svg.querySelector('.steps');
      if (!steps) continue;
      for (const { element, model } of points) {
        element.classList.toggle('out', !inside.has(model));
        element.classList.toggle('best', limits.length > 0 && model === String(best?.index));
      }
      for (const name of all('.names text[data-m]', svg)) {
        name.classList.toggle('out', !inside.has(name.dataset.m));
      }
      const left = points.filter(({ model }) => inside.has(model));
      left.sort((a, b) => a.x - b.x || a.y - b.y);
      let path = '';
      let height = Infinity;
      for (const { x, y } of left) {
        if (y >= height) continue;
        path += path ? `L${x} ${height}L${x} ${y}` : `M${x} ${y}`;
        height = y;
      }
      steps.setAttribute('d', path && `${path}L${steps.dataset.right} ${height}`);
    }
  };
  for (const { id, of, isMost } of sliders) {
    const slider = find(id);
    slider.max = data.limits[of].length;
    slider.value = isMost ? slider.max : 0;
    slider.addEventListener('input', choose);
  }
  if (form) {
    form.addEventListener('submit', (event) => event.preventDefault());
    choose();
  }

  // Tables: a click on a heading sorts, numbers by their size.
  const units = { 'µs': 1e-3, ms: 1, s: 1e3, B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };
  const size = (text) => {
    const match = /^([+-]?[\d,.]+(?:e[+-]?\d+)?)\s*(µs|ms|s|[kMG]?B)?/.exec(text);
    return match ? Number(match[1].replaceAll(',', '')) * (units[match[2]] ?? 1) : null;
  };
  for (const table of all('table.sortable')) {
    for (const heading of all('thead th', table)) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = heading.textContent;
      heading.replaceChildren(button);
      button.addEventListener('click', () => {
        const isWords = heading.classList.contains('l');
        // Words from A, numbers from the greatest.
        const before = heading.getAttribute('aria-sort') ?? (isWords ? 'descending' : 'ascending');
        const sign = before === 'ascending' ? -1 : 1;
        for (const other of all('thead th', table)) other.removeAttribute('aria-sort');
        heading.setAttribute('aria-sort', sign === 1 ? 'ascending' : 'descending');
        const cell = (row) => row.cells[heading.cellIndex]?.textContent.trim() ?? '';
        const body = table.tBodies[0];
        const keyed = [...body.rows].map((row) => ({ row, text: cell(row), size: size(cell(row)) }));
        keyed.sort((a, b) => {
          if (isWords) return sign * a.text.localeCompare(b.text, 'en', { numeric: true });
          if (a.size === null || b.size === null) return (a.size === null) - (b.size === null);
          return sign * (a.size - b.size);
        });
        body.append(...keyed.map(({ row }) => row));
      });
    }
  }

  for (const button of all('.copy')) {
    const name = button.textContent;
    button.addEventListener('click', async () => {
      const source = find(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = 'Copied';
      } catch {
        // Selected, so that a key copies it.
        getSelection().selectAllChildren(source);
        button.textContent = 'Selected';
      }
      setTimeout(() => { button.textContent = name; }, 1500);
    });
  }

  // On paper everything is unfolded, in browsers that need telling.
  let folded = [];
  window.addEventListener('beforeprint', () => {
    folded = all('details:not([open])');
    for (const details of folded) details.open = true;
  });
  window.addEventListener('afterprint', () => {
    for (const details of folded) details.open = false;
  });
})();
