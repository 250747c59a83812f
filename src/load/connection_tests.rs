//! Answers in all shapes that HTTP/1.1 allows, cut anywhere.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;

/// Serves one connection: for each of these answers, reads something and writes the answer in pieces of `cut` bytes.
async fn serving(answers: Vec<Vec<u8>>, cut: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        for answer in answers {
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            for piece in answer.chunks(cut) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    address
}

async fn exchange(connection: &mut Connection) -> Result<(u16, Vec<u8>, bool, Option<u64>), ConnectionError> {
    let response = connection.exchange(b"GET / HTTP/1.1\r\n\r\n").await?;
    let retry_after = response.retry_after.map(|pause| pause.as_secs());
    Ok((response.status, response.body.to_vec(), response.last, retry_after))
}

#[tokio::test]
async fn one_connection_carries_answers_of_every_shape() {
    let long = vec![b'x'; 100_000];
    let with_length = [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", long.len()).as_bytes(), &long].concat();
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..10 {
        chunked.extend_from_slice(b"2710\r\n");
        chunked.extend_from_slice(&long[..10_000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    for cut in [1, 7, 4096, usize::MAX] {
        let answers = vec![
            b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 2\r\n\r\nno".to_vec(),
            b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            if cut == 1 { b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec() } else { with_length.clone() },
            if cut == 1 { b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec() } else { chunked.clone() },
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbye".to_vec(),
        ];
        let address = serving(answers, cut).await;
        let mut connection = Connection::open(address, Duration::from_secs(5)).await.unwrap();
        assert_eq!(exchange(&mut connection).await.unwrap(), (503, b"no".to_vec(), false, Some(2)), "cut at {cut}");
        assert_eq!(exchange(&mut connection).await.unwrap(), (204, vec![], false, None), "cut at {cut}");
        for _ in ["length", "chunks"] {
            let (status, body, last, _) = exchange(&mut connection).await.unwrap();
            assert_eq!((status, last), (200, false));
            assert!(cut == 1 || body == long, "cut at {cut}");
        }
        assert_eq!(exchange(&mut connection).await.unwrap(), (200, b"bye".to_vec(), true, None), "cut at {cut}");
    }
}

#[tokio::test]
async fn an_answer_without_a_length_ends_with_its_connection() {
    let address = serving(vec![b"HTTP/1.1 200 OK\r\n\r\nall there is".to_vec()], 5).await;
    let mut connection = Connection::open(address, Duration::from_secs(5)).await.unwrap();
    assert_eq!(exchange(&mut connection).await.unwrap(), (200, b"all there is".to_vec(), true, None));
}

#[tokio::test]
async fn each_failure_has_its_kind() {
    async fn check(answer: &[u8], expected: &str) {
        let address = serving(vec![answer.to_vec()], usize::MAX).await;
        let mut connection = Connection::open(address, Duration::from_secs(5)).await.unwrap();
        assert_eq!(exchange(&mut connection).await.unwrap_err().kind(), expected);
    }
    check(b"", "connection closed").await;
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "connection closed").await;
    check(b"SSH-2.0-OpenSSH\r\n\r\n", "malformed answer").await;
    check(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "malformed answer").await;
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "answer too large").await;
    check(b"\x15\x03\x01\x00\x02\x02\x0a", "only TLS at this address").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut connection = Connection::open(address, Duration::from_millis(20)).await.unwrap();
    assert_eq!(exchange(&mut connection).await.unwrap_err().kind(), "no answer in time");
    drop(listener);
    let refused = Connection::open(address, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(refused.kind(), "cannot connect");
}
