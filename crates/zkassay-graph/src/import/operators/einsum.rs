//! Einstein's sums of one or two operands: transposes, sums and one product of matrices.

use super::dense::product;
use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::op::Reduction;
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[("Einsum", einsum)];

/// A tensor and a letter for each axis.
struct Labelled {
    tensor: Tensor,
    labels: Vec<char>,
}

impl Labelled {
    fn size(&self, label: char) -> Option<usize> {
        let axis = self.labels.iter().position(|l| *l == label)?;
        self.tensor.shape.get(axis).copied()
    }

    /// Sums over the axes whose letters are not among `kept`.
    fn keep(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        kept: impl Fn(char) -> bool,
    ) -> Result<Self, GraphError> {
        let (rest, summed): (Vec<usize>, Vec<usize>) =
            (0..self.labels.len()).partition(|axis| kept(self.labels[*axis]));
        if summed.is_empty() {
            return Ok(self);
        }
        let x = &self.tensor;
        builder.charge(node, 2 * x.len())?;
        let groups = shape::groups(&x.shape, &summed);
        let reduction = Reduction::Sum;
        let shape = rest.iter().map(|axis| x.shape[*axis]).collect();
        let tensor = builder.push(node, Op::Reduce { reduction, groups }, &[x], shape)?;
        let labels = rest.iter().map(|axis| self.labels[*axis]).collect();
        Ok(Self { tensor, labels })
    }

    /// The axes in the order of `labels`, which are all of them.
    fn ordered(
        &self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        labels: &[char],
    ) -> Result<Tensor, GraphError> {
        let place = |label: &char| self.labels.iter().position(|l| l == label);
        let order: Option<Vec<usize>> = labels.iter().map(place).collect();
        let order = order.ok_or_else(|| malformed(node))?;
        builder.transpose(node, &self.tensor, &order)
    }
}

fn malformed(node: &NodeRef<'_>) -> GraphError {
    let equation = node.string("equation", "").unwrap_or_default();
    node.unsupported(format!(
        "its equation is `{equation}`: expected one or two operands, a letter for each of their \
         axes, none twice, as in `bij,bjk->bik`"
    ))
}

fn einsum(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let equation: String = node.string("equation", "")?.split_whitespace().collect();
    let (terms, written) = match equation.split_once("->") {
        Some((terms, written)) => (terms.to_owned(), Some(written.to_owned())),
        None => (equation, None),
    };
    let operands = node.inputs()?;
    let terms: Vec<Vec<char>> = terms
        .split(',')
        .map(|term| term.chars().collect())
        .collect();
    if terms.len() != operands.len() || terms.len() > 2 {
        return Err(malformed(node));
    }
    let mut labelled = Vec::with_capacity(2);
    for (labels, tensor) in terms.into_iter().zip(operands) {
        let letters = labels.iter().all(char::is_ascii_alphabetic);
        if !letters || labels.len() != tensor.rank() || repeats(&labels) {
            return Err(malformed(node));
        }
        let tensor = tensor.clone();
        labelled.push(Labelled { tensor, labels });
    }
    let all: Vec<char> = labelled.iter().flat_map(|x| x.labels.clone()).collect();
    let output: Vec<char> = match written {
        Some(written) => written.chars().collect(),
        None => {
            let once = |label: &&char| all.iter().filter(|l| l == label).count() == 1;
            let mut once: Vec<char> = all.iter().filter(once).copied().collect();
            once.sort_unstable();
            once
        }
    };
    if repeats(&output) || output.iter().any(|label| !all.contains(label)) {
        return Err(malformed(node));
    }
    let in_output = |label| output.contains(&label);
    let second = if labelled.len() == 2 {
        labelled.pop()
    } else {
        None
    };
    let first = labelled.pop().ok_or_else(|| malformed(node))?;
    let result = match second {
        None => first.keep(node, builder, in_output)?,
        Some(second) => contract(node, builder, first, second, &output)?,
    };
    Ok(vec![result.ordered(node, builder, &output)?])
}

fn repeats(labels: &[char]) -> bool {
    (1..labels.len()).any(|i| labels[..i].contains(&labels[i]))
}

/// The product of two operands, summed over the letters that are not in the output.
fn contract(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    a: Labelled,
    b: Labelled,
    output: &[char],
) -> Result<Labelled, GraphError> {
    // A constant on the right makes a dense layer.
    let (a, b) = if a.tensor.is_constant() {
        (b, a)
    } else {
        (a, b)
    };
    let (of_a, of_b) = (a.labels.clone(), b.labels.clone());
    let a = a.keep(node, builder, |l| output.contains(&l) || of_b.contains(&l))?;
    let b = b.keep(node, builder, |l| output.contains(&l) || of_a.contains(&l))?;
    let both = a.labels.iter().copied().filter(|l| of_b.contains(l));
    let (batch, summed): (Vec<char>, Vec<char>) = both.partition(|l| output.contains(l));
    if batch
        .iter()
        .chain(&summed)
        .any(|l| a.size(*l) != b.size(*l))
    {
        let found = &b.tensor.shape;
        let expected = format!(
            "the sizes that {:?} has for the same letters",
            a.tensor.shape
        );
        return Err(node.mismatch("the second operand", found, expected));
    }
    let alone = |own: &Labelled, other: &[char]| -> Vec<char> {
        let alone = own.labels.iter().copied();
        alone.filter(|l| !other.contains(l)).collect()
    };
    let (left, right) = (alone(&a, &of_b), alone(&b, &of_a));
    let sizes = |labels: &[char]| -> Vec<usize> {
        let size = |l: &char| a.size(*l).or_else(|| b.size(*l)).unwrap_or(1);
        labels.iter().map(size).collect()
    };
    let count = |labels: &[char]| sizes(labels).iter().product::<usize>();
    let matrix = |rows: usize, columns: usize| match batch.is_empty() {
        true => vec![rows, columns],
        false => vec![count(&batch), rows, columns],
    };
    let x = a.ordered(node, builder, &[&batch[..], &left, &summed].concat())?;
    let x = builder.reshape(node, &x, matrix(count(&left), count(&summed)))?;
    let y = b.ordered(node, builder, &[&batch[..], &summed, &right].concat())?;
    let y = builder.reshape(node, &y, matrix(count(&summed), count(&right)))?;
    let product = product(node, builder, &x, &y)?;
    let labels = [&batch[..], &left, &right].concat();
    let tensor = builder.reshape(node, &product, sizes(&labels))?;
    Ok(Labelled { tensor, labels })
}
