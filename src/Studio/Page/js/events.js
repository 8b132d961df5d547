/** Brings the server's events into this tab. */

import { openEvents } from './events-source.js';

/** @typedef {import('./events-source.js').Message} Message */

/**
 * Listens to the events, through the worker that all tabs share where there is one.
 * @param {(message: Message) => void} receive
 */
export function listen(receive) {
  if (typeof SharedWorker === 'undefined') {
    openEvents(receive);
    return;
  }

  const worker = new SharedWorker(new URL('./events-worker.js', import.meta.url), { type: 'module' });
  let works = false;
  worker.port.onmessage = event => {
    works = true;
    receive(event.data);
  };
  // Some browsers know shared workers but not those that are modules.
  worker.addEventListener('error', () => works || openEvents(receive), { once: true });
  addEventListener('pagehide', () => worker.port.postMessage('leave'));
  // A page that comes back from the browser's back-forward cache has left the worker and missed its events.
  addEventListener('pageshow', event => event.persisted && location.reload());
}
