/** Compares the result with its content: a divider that is drawn, or moved with the arrow keys, over the stage. */

import { address } from './api.js';
import { byId } from './dom.js';
import { percent } from './format.js';
import { text } from './text.js';

const keySteps = {
  ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1,
};

export class Compare {
  #store;
  #button = byId('compare');
  #divider = byId('divider');
  #original = byId('original');
  #place = 0.5;

  /** @param {import('./store.js').Store} store */
  constructor(store) {
    this.#store = store;
    this.#button.addEventListener('click', () => this.toggle());
    const easel = byId('easel');
    this.#divider.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
      this.#divider.setPointerCapture(event.pointerId);
      event.preventDefault();
      this.#divider.focus();
    });
    this.#divider.addEventListener('pointermove', (/** @type {PointerEvent} */ event) => {
      if (!this.#divider.hasPointerCapture(event.pointerId)) return;
      const { left, width } = easel.getBoundingClientRect();
      this.#move((event.clientX - left) / width);
    });
    this.#divider.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      const step = keySteps[/** @type {keyof keySteps} */ (event.key)];
      if (step === undefined) return;
      event.preventDefault();
      this.#move(this.#place + step);
    });
    store.on('current', () => this.#show(false));
    store.on('job', id => id === store.currentId && this.#show(this.#on));
  }

  /** Shows or hides the content beside the result. */
  toggle() {
    if (!this.#store.current?.content) return;
    this.#show(!this.#on);
    if (this.#on) this.#divider.focus();
  }

  get #on() {
    return this.#button.getAttribute('aria-pressed') === 'true';
  }

  /** @param {boolean} on */
  #show(on) {
    const content = this.#store.current?.content;
    this.#button.hidden = !content;
    const visible = on && Boolean(content);
    this.#button.setAttribute('aria-pressed', String(visible));
    this.#divider.hidden = !visible;
    this.#original.hidden = !visible;
    if (!visible || !content) return;
    const source = address.view(content);
    if (this.#original.getAttribute('src') !== source) this.#original.src = source;
    this.#original.alt = text('stage.original', { name: content.name });
    this.#move(this.#place);
  }

  /** @param {number} place The divider's distance from the left edge, as a share of the width. */
  #move(place) {
    this.#place = Math.min(1, Math.max(0, place));
    byId('easel').style.setProperty('--divider', String(this.#place));
    this.#divider.setAttribute('aria-valuenow', String(Math.round(this.#place * 100)));
    this.#divider.setAttribute('aria-valuetext', text('stage.compareValue', { share: percent(this.#place) }));
  }
}
