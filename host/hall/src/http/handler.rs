//! One line for one handler: method, path, what comes in, what goes out, the work of the turn.

/// Makes a handler that is one turn.
macro_rules! handler {
    (
        $(#[doc = $doc:literal])*
        $name:ident: $method:ident $path:literal, ($($part:ident $label:literal $Part:ident),*) $(, $body:ident: $Body:ty)?
        => $status:literal $Out:ty, |$turn:ident| $work:expr
    ) => {
        $(#[doc = $doc])*
        #[utoipa::path(
            $method,
            path = $path,
            params($(($label = $Part, Path)),*),
            $(request_body = $Body,)?
            responses(
                (status = $status, body = $Out),
                (status = "4XX", body = crate::api::Problem, content_type = "application/problem+json"),
            ),
        )]
        async fn $name(
            axum::extract::State(hall): axum::extract::State<crate::hall::Hall>,
            crate::http::extract::Bearer(bearer): crate::http::extract::Bearer,
            crate::http::extract::Names(($($part,)*)): crate::http::extract::Names<($($Part,)*)>,
            $(crate::http::extract::Body($body): crate::http::extract::Body<$Body>)?
        ) -> crate::problem::Answer<(axum::http::StatusCode, axum::Json<$Out>)> {
            const STATUS: axum::http::StatusCode = match axum::http::StatusCode::from_u16($status) {
                Ok(status) => status,
                Err(_) => panic!("a status"),
            };
            let mut turn = hall.turn(bearer.as_deref()).await?;
            let $turn = &mut turn;
            let answer = $work.await;
            turn.end(answer).await.map(|answer| (STATUS, axum::Json(answer)))
        }
    };
}
