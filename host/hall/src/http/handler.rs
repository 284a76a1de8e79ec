//! One line for one handler: method, path, what comes in, what goes out, the work of the turn.

/// Makes a handler that is one turn. `=> placed` opens an order, or takes up the open one: 201 or 200 with a
/// [`Placed`](crate::api::Placed), from work that also tells whether the order is new.
macro_rules! handler {
    (
        $(#[doc = $doc:literal])*
        $name:ident: post $path:literal, $body:ident: $Body:ty => placed, |$turn:ident| $work:expr
    ) => {
        $(#[doc = $doc])*
        #[utoipa::path(
            post,
            path = $path,
            request_body = $Body,
            responses(
                (status = 201, body = crate::api::Placed),
                (status = 200, body = crate::api::Placed),
                (status = "4XX", body = crate::api::Problem, content_type = "application/problem+json"),
            ),
        )]
        async fn $name(
            axum::extract::State(hall): axum::extract::State<crate::hall::Hall>,
            crate::http::extract::Bearer(bearer): crate::http::extract::Bearer,
            crate::http::extract::Peer(peer): crate::http::extract::Peer,
            crate::http::extract::Body($body): crate::http::extract::Body<$Body>,
        ) -> crate::problem::Answer<(axum::http::StatusCode, axum::Json<crate::api::Placed>)> {
            let mut turn = hall.turn(bearer.as_deref()).await?;
            turn.peer = peer;
            let $turn = &mut turn;
            let answer = $work.await;
            let (new, placed) = turn.end(answer).await?;
            let status = if new { axum::http::StatusCode::CREATED } else { axum::http::StatusCode::OK };
            Ok((status, axum::Json(placed)))
        }
    };
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
            crate::http::extract::Peer(peer): crate::http::extract::Peer,
            crate::http::extract::Names(($($part,)*)): crate::http::extract::Names<($($Part,)*)>,
            $(crate::http::extract::Body($body): crate::http::extract::Body<$Body>)?
        ) -> crate::problem::Answer<(axum::http::StatusCode, axum::Json<$Out>)> {
            const STATUS: axum::http::StatusCode = match axum::http::StatusCode::from_u16($status) {
                Ok(status) => status,
                Err(_) => panic!("a status"),
            };
            let mut turn = hall.turn(bearer.as_deref()).await?;
            turn.peer = peer;
            let $turn = &mut turn;
            let answer = $work.await;
            turn.end(answer).await.map(|answer| (STATUS, axum::Json(answer)))
        }
    };
}
