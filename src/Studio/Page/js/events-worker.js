/**
 * A worker that all tabs share. It keeps one stream of events for all of them, since browsers allow six connections to
 * a host, and every tab with a stream of its own would hold one of them for ever.
 */

import { openEvents } from './events-source.js';

/** @type {Set<MessagePort>} */
const tabs = new Set();

/** @type {Map<string, object>} What a tab that comes later must hear first: the connection and the server's run. */
const latest = new Map();

self.addEventListener('connect', event => {
  const [tab] = /** @type {MessageEvent} */ (event).ports;
  tabs.add(tab);
  // A port does not tell that its tab has gone, so each tab says so itself.
  tab.onmessage = () => tabs.delete(tab);
  for (const message of latest.values()) tab.postMessage(message);
});

openEvents(message => {
  if (message.type === 'hello' || message.type === 'connection') latest.set(message.type, message);
  for (const tab of tabs) tab.postMessage(message);
});
