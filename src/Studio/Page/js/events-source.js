/**
 * The stream of the server's events. Used by the worker that all tabs share, or by a tab itself where there are no
 * shared workers.
 */

/** @typedef {{type: string, data: any}} Message An event of the server, or 'connection' with true or false. */

const names = ['hello', 'job', 'gone', 'progress', 'notice'];
const retryAfter = 2000;

/**
 * Opens the stream, and opens it again for as long as it takes when the server goes away.
 * @param {(message: Message) => void} receive
 */
export function openEvents(receive) {
  const source = new EventSource('/api/events');
  for (const name of names)
    source.addEventListener(name, (/** @type {MessageEvent} */ event) =>
      receive({ type: name, data: JSON.parse(event.data) }));
  source.addEventListener('open', () => receive({ type: 'connection', data: true }));
  source.addEventListener('error', () => {
    receive({ type: 'connection', data: false });
    // The browser tries again after a lost connection, but gives up for good after an answer such as 401.
    if (source.readyState === EventSource.CLOSED) setTimeout(openEvents, retryAfter, receive);
  });
}
