//! How long a gateway waits for a function.

use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};

use crate::runtime::invocation::Invoker;

/// What `running`, an invocation of `function`, gives within `time`; nothing where that is over. An inspected function
/// has no such limit, also where the inspection begins meanwhile.
pub(crate) async fn within<T>(
    time: Duration,
    invoker: &dyn Invoker,
    function: &str,
    mut running: JoinHandle<T>,
) -> Option<Result<T, JoinError>> {
    loop {
        match tokio::time::timeout(time, &mut running).await {
            Ok(ended) => return Some(ended),
            Err(_) if invoker.is_inspected(function) => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::runtime::invocation::{Invocation, InvocationOutcome, InvocationRefused};

    #[derive(Default)]
    struct Inspectable(AtomicBool);

    #[async_trait]
    impl Invoker for Inspectable {
        async fn invoke(&self, _: &str, _: Invocation) -> Result<InvocationOutcome, InvocationRefused> {
            Err(InvocationRefused::Stopping)
        }

        fn is_inspected(&self, function: &str) -> bool {
            function == "held" && self.0.load(Ordering::SeqCst)
        }

        fn generation(&self, _: &str) -> u64 {
            0
        }

        fn log(&self, _: &str, _: &str, _: &str) {}
    }

    const TIME: Duration = Duration::from_millis(10);

    #[tokio::test]
    async fn nobodys_time_is_up_in_a_function_that_is_inspected() {
        let invoker = Inspectable(AtomicBool::new(true));
        let slow = || tokio::spawn(tokio::time::sleep(TIME * 20));
        assert!(within(TIME, &invoker, "held", slow()).await.is_some());
        assert!(within(TIME, &invoker, "other", slow()).await.is_none());
        invoker.0.store(false, Ordering::SeqCst);
        assert!(within(TIME, &invoker, "held", slow()).await.is_none(), "no more, once it has ended");
    }
}
