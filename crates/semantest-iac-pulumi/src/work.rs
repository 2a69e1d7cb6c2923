//! Work that is under way: it is told to stop, and never dropped in the middle.

use std::sync::Arc;
use std::time::Duration;

use semantest_iac::CancellationToken;
use tokio::sync::RwLock;
use tonic::Status;

/// All work of this process.
#[derive(Clone, Default)]
pub(crate) struct Work {
    stopping: CancellationToken,
    /// Held for reading by all that is under way.
    under_way: Arc<RwLock<()>>,
}

impl Work {
    /// Cancelled once nothing new is to be begun and what is under way is to end.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Returns once nothing is under way.
    pub async fn ended(&self) {
        drop(self.under_way.write().await);
    }

    /// Does `work` to its end. It is told to stop (and stops where nothing is half done) when the process is to end, when
    /// `seconds` are over (zero: never), and when whoever asked for it is gone.
    ///
    /// # Errors
    /// Those of `work`; `Internal` where it panicked.
    pub async fn carry_out<T, F>(
        &self,
        seconds: f64,
        work: impl FnOnce(CancellationToken) -> F,
    ) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Status>> + Send + 'static,
    {
        let cancel = self.stopping.child_token();
        let under_way = self.under_way.clone().read_owned().await;
        let doing = work(cancel.clone());
        let limit = Duration::try_from_secs_f64(seconds).ok().filter(|limit| !limit.is_zero());
        let overdue = cancel.clone();
        let task = tokio::spawn(async move {
            let _under_way = under_way;
            let Some(limit) = limit else { return doing.await };
            let mut doing = std::pin::pin!(doing);
            tokio::select! {
                done = &mut doing => return done,
                () = tokio::time::sleep(limit) => overdue.cancel(),
            }
            doing.await
        });
        // A caller that hangs up drops this.
        let given_up = cancel.drop_guard();
        let done = task.await;
        drop(given_up);
        done.unwrap_or_else(|error| Err(Status::internal(format!("the plugin has a defect: {error}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_that_hangs_up_stops_the_work_in_order() {
        let work = Work::default();
        let (told, heard) = tokio::sync::oneshot::channel();
        let call = work.carry_out(0.0, |cancel| async move {
            cancel.cancelled().await;
            let _ = told.send(());
            Ok(())
        });
        let _ = tokio::time::timeout(Duration::from_millis(20), call).await;
        heard.await.expect("the work went on to its end");
        work.ended().await;
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_told_to_stop() {
        let work = Work::default();
        let done = work.carry_out(0.01, |cancel| async move {
            cancel.cancelled().await;
            Ok(7)
        });
        assert_eq!(done.await.expect("done"), 7);
    }
}
