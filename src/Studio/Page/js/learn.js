/** What the network sees at a place of the result: the strongest channels of a layer, and what they look at. */

import { api, ApiError } from './api.js';
import { byId, fillSelect, fromTemplate, part, say } from './dom.js';
import { percent, short } from './format.js';
import { text } from './text.js';

/** @typedef {import('./store.js').Store} Store */

const firstLayer = 'conv3_1';
const keySteps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const step = 0.02;

/** Milliseconds after the last move of the keys. */
const rest = 300;

export class Learn {
  #store;
  #button = byId('learn');
  #aim = byId('aim');
  #place = { x: 0.5, y: 0.5 };
  #timer = 0;
  /** The number of the last question; an answer to one before is late. */
  #asked = 0;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
    this.#fill();
    this.#button.addEventListener('click', () => this.toggle());
    byId('learn-close').addEventListener('click', () => {
      this.#show(false);
      this.#button.focus();
    });
    byId('learn-layer').addEventListener('change', () => this.#ask());
    this.#aim.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
      const { left, top, width, height } = this.#aim.getBoundingClientRect();
      this.#move((event.clientX - left) / width, (event.clientY - top) / height);
      this.#ask();
    });
    this.#aim.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      const direction = keySteps[/** @type {keyof keySteps} */ (event.key)];
      if (!direction) return;
      event.preventDefault();
      this.#move(this.#place.x + direction[0] * step, this.#place.y + direction[1] * step);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#ask(), rest);
    });
    store.on('studio', () => this.#fill());
    store.on('current', () => this.#show(false));
    store.on('job', id => id === store.currentId && this.#show(this.#on));
  }

  /** Begins, or ends. */
  toggle() {
    if (!this.#store.current?.result) return;
    this.#show(!this.#on);
    if (!this.#on) return;
    this.#aim.focus();
    this.#ask();
  }

  get #on() {
    return this.#button.getAttribute('aria-pressed') === 'true';
  }

  #fill() {
    const { layers } = this.#store.studio;
    fillSelect(byId('learn-layer'), layers.map(layer => ({ value: layer, label: layer })));
    byId('learn-layer').value = layers.includes(firstLayer) ? firstLayer : layers[0];
  }

  /** @param {boolean} on */
  #show(on) {
    const visible = on && Boolean(this.#store.current?.result);
    this.#button.hidden = !this.#store.current?.result;
    this.#button.setAttribute('aria-pressed', String(visible));
    this.#aim.hidden = !visible;
    byId('learn-panel').hidden = !visible;
    // On a wide window, the panel takes the place of the controls.
    byId('work').classList.toggle('learning', visible);
    if (!visible) byId('aim-box').hidden = true;
    else this.#move(this.#place.x, this.#place.y);
  }

  /** @param {number} x @param {number} y */
  #move(x, y) {
    this.#place = { x: Math.min(0.9999, Math.max(0, x)), y: Math.min(0.9999, Math.max(0, y)) };
    placeBox(byId('aim-point'), this.#place.x, this.#place.y);
  }

  async #ask() {
    const job = this.#store.current;
    if (!job) return;
    const question = ++this.#asked;
    const maps = byId('learn-maps');
    maps.setAttribute('aria-busy', 'true');
    say(byId('learn-error'), null);
    try {
      const features = await api.features(job.id, this.#place.x, this.#place.y, byId('learn-layer').value);
      if (question === this.#asked) showFeatures(features);
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      if (question === this.#asked) say(byId('learn-error'), failure.message);
    } finally {
      if (question === this.#asked) maps.removeAttribute('aria-busy');
    }
  }
}

/** @param {import('./api.js').Features} features */
function showFeatures(features) {
  const [x, y, width, height] = features.box;
  const box = byId('aim-box');
  box.hidden = false;
  placeBox(box, x, y, width, height);
  say(byId('learn-facts'), text('learn.facts', features));
  byId('learn-maps').replaceChildren(...features.channels.map(({ channel, value, share, map }) => {
    const item = fromTemplate('map');
    const image = /** @type {HTMLImageElement} */ (item.querySelector('img'));
    image.src = map;
    image.alt = text('learn.mapOf', { channel });
    part(item, 'name').textContent = text('learn.channel', { channel });
    part(item, 'share').textContent = text('learn.share', { value: short(value), share: percent(share) });
    return item;
  }));
}

/** @param {HTMLElement} element @param {number} x @param {number} y @param {number} [width] @param {number} [height] */
function placeBox({ style }, x, y, width, height) {
  style.left = `${x * 100}%`;
  style.top = `${y * 100}%`;
  if (width !== undefined) style.width = `${width * 100}%`;
  if (height !== undefined) style.height = `${height * 100}%`;
}
