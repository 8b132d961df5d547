/** Tells people who do not see the page what has happened. */

import { byId } from './dom.js';

/** Progress that is read out more often than this would only disturb. */
const quietFor = 10_000;

let lastProgress = 0;

/** Says something at once. @param {string} words */
export function announce(words) {
  byId('live').textContent = words;
}

/** Says how far a run is, unless it has been said only just now. @param {() => string} words */
export function announceProgress(words) {
  const now = performance.now();
  if (now - lastProgress < quietFor) return;
  lastProgress = now;
  announce(words());
}
