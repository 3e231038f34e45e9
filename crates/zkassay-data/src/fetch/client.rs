//! HTTP requests, their failures sorted by what to do about them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::{Agent, Body, Error};

use super::backoff::Backoff;
use super::{FetchError, FetchOptions, Progress};

/// Largest listing page; Google's have at most 1,000 objects.
const LARGEST_PAGE: u64 = 16 << 20;

/// Makes the requests of one fetch.
pub(super) struct Client<'a> {
    agent: Agent,
    dataset: &'a str,
    pub(super) options: &'a FetchOptions,
    pub(super) progress: &'a dyn Progress,
    stopped: AtomicBool,
}

/// Why an attempt failed.
pub(super) enum Failure {
    /// It may work next time, not before the pause that the server asked for.
    Again {
        reason: String,
        pause: Option<Duration>,
    },
    /// It will not.
    Final(FetchError),
}

impl Failure {
    /// It may work next time.
    pub(super) fn again(reason: impl Into<String>) -> Self {
        Self::Again {
            reason: reason.into(),
            pause: None,
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Final(error)
    }
}

impl<'a> Client<'a> {
    /// A client for the fetch of a data set.
    pub(super) fn new(
        dataset: &'a str,
        options: &'a FetchOptions,
        progress: &'a dyn Progress,
    ) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(options.connect_timeout))
            .timeout_recv_response(Some(options.read_timeout))
            .timeout_per_read(Some(options.read_timeout))
            .user_agent(concat!("zkassay/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
            dataset,
            options,
            progress,
            stopped: AtomicBool::new(false),
        }
    }

    /// Lets every thread give up.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether one file has failed for good.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Sends a request with these headers to `url`, or to the mirror; statuses are left to the
    /// caller, as in [`Self::refused`].
    pub(super) fn get(
        &self,
        url: &str,
        headers: &[(&str, String)],
    ) -> Result<Response<Body>, Failure> {
        if self.is_stopped() {
            return Err(Failure::Final(FetchError::Stopped {
                url: url.to_owned(),
            }));
        }
        let url = self.address(url);
        let mut request = self.agent.get(&url).header("accept-encoding", "identity");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        // No redirect may lead from HTTPS to something that anybody can change on the way.
        let secure = url.starts_with("https://");
        let request = request.config().https_only(secure).build();
        request.call().map_err(|error| self.failure(&url, &error))
    }

    /// What to do about a status that is not a success.
    pub(super) fn refused(&self, url: &str, response: &Response<Body>) -> Failure {
        let status = response.status().as_u16();
        if matches!(status, 408 | 425 | 429 | 500..=599) {
            let header = response.headers().get("retry-after");
            let seconds = header.and_then(|value| value.to_str().ok()?.parse().ok());
            return Failure::Again {
                reason: format!("the server answered with status {status}"),
                pause: seconds.map(Duration::from_secs),
            };
        }
        Failure::Final(FetchError::Refused {
            dataset: self.dataset.to_owned(),
            url: self.address(url),
            status,
        })
    }

    /// Gets a JSON document, trying again after failures and half answers.
    pub(super) fn get_json<T: DeserializeOwned>(&self, url: &str) -> Result<T, FetchError> {
        let mut backoff = self.backoff(url);
        loop {
            match self.try_get_json(url) {
                Ok(document) => return Ok(document),
                Err(failure) => self.pause(url, &mut backoff, failure)?,
            }
        }
    }

    fn try_get_json<T: DeserializeOwned>(&self, url: &str) -> Result<T, Failure> {
        let mut response = self.get(url, &[])?;
        if response.status() != 200 {
            return Err(self.refused(url, &response));
        }
        let body = response.body_mut().with_config().limit(LARGEST_PAGE);
        let text = body
            .read_to_vec()
            .map_err(|error| self.failure(url, &error))?;
        serde_json::from_slice(&text).map_err(|error| {
            Failure::again(format!("the answer is not the expected JSON ({error})"))
        })
    }

    /// The pauses of one address.
    pub(super) fn backoff(&self, url: &str) -> Backoff {
        Backoff::new(self.options.pause, self.options.seed, url)
    }

    /// Waits before the next attempt, if there is one.
    ///
    /// # Errors
    ///
    /// The failure, if it is final or there were too many.
    pub(super) fn pause(
        &self,
        url: &str,
        backoff: &mut Backoff,
        failure: Failure,
    ) -> Result<(), FetchError> {
        let (reason, asked) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Again { reason, pause } => (reason, pause),
        };
        let pause = backoff.fail(asked);
        if backoff.failures() >= self.options.attempts {
            let attempts = backoff.failures();
            return Err(self.failed(url, format!("{reason}, after {attempts} attempts")));
        }
        self.progress.retry(&self.address(url), &reason, pause);
        let until = Instant::now() + pause;
        while !self.is_stopped() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20).min(pause));
        }
        Ok(())
    }

    /// The error of an address that cannot be fetched.
    pub(super) fn failed(&self, url: &str, reason: String) -> FetchError {
        FetchError::Failed {
            dataset: self.dataset.to_owned(),
            url: self.address(url),
            reason,
        }
    }

    /// The error of an answer that nothing can be held against.
    pub(super) fn unverifiable(&self, url: &str) -> FetchError {
        FetchError::Unverifiable {
            dataset: self.dataset.to_owned(),
            url: self.address(url),
        }
    }

    /// The error of a listing that came but makes no sense.
    pub(super) fn unusable_listing(&self, url: &str, reason: String) -> FetchError {
        FetchError::Listing {
            dataset: self.dataset.to_owned(),
            url: self.address(url),
            reason,
        }
    }

    /// `https://host/path` on the mirror is `<mirror>/path`.
    fn address(&self, url: &str) -> String {
        let Some(mirror) = &self.options.mirror else {
            return url.to_owned();
        };
        let path = url
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'));
        let path = path.map_or("", |(_, path)| path);
        format!("{}/{path}", mirror.trim_end_matches('/'))
    }

    /// Sorts an error of the connection by whether it may pass.
    pub(super) fn failure(&self, url: &str, error: &Error) -> Failure {
        match error {
            Error::Timeout(_) => Failure::again(format!("the server fell silent ({error})")),
            Error::Io(_) | Error::ConnectionFailed | Error::Protocol(_) => {
                Failure::again(format!("the connection failed ({error})"))
            }
            Error::HostNotFound => Failure::Final(self.failed(
                url,
                "the server's name is not known; is there a network?".to_owned(),
            )),
            _ => Failure::Final(self.failed(url, error.to_string())),
        }
    }
}
