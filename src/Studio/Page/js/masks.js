/** The mask editor: a brush over the content picture, or over a style. */

import { address, api, ApiError } from './api.js';
import { Mask } from './brush.js';
import { open } from './dialogs.js';
import { byId, say } from './dom.js';
import { text } from './text.js';

/**
 * @typedef {import('./form.js').Form} Form
 * @typedef {import('./api.js').Picture} Picture
 * @typedef {'mask' | 'styleMask'} Which Where a style goes on the content, or which part of the style counts.
 */

/** The server shows pictures with at most this side; a finer mask could not be aimed. */
const longestSide = 1024;

export class MaskEditor {
  #form;
  #mask = new Mask(byId('mask-canvas'));
  #dialog = byId('mask-dialog');
  #surface = byId('mask-surface');
  #ring = byId('mask-ring');
  /** @type {{index: number, which: Which, picture: Picture} | null} */
  #target = null;
  /** @type {{x: number, y: number}} Where the brush is, as shares of the picture. */
  #place = { x: 0.5, y: 0.5 };
  /** Whether the arrow keys draw. */
  #down = false;

  /** @param {Form} form */
  constructor(form) {
    this.#form = form;
    this.#listen('mask-undo', () => this.#mask.undo());
    this.#listen('mask-redo', () => this.#mask.redo());
    this.#listen('mask-clear', () => this.#mask.clear());
    this.#listen('mask-invert', () => this.#mask.invert());
    byId('mask-save').addEventListener('click', () => this.#save());
    byId('mask-remove').addEventListener('click', () => this.#remove());
    byId('mask-size').addEventListener('input', () => this.#showRing());
    this.#dialog.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#dialogKey(event));
    this.#surface.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#brushKey(event));
    this.#surface.addEventListener('blur', () => {
      this.#down = false;
      this.#ring.hidden = true;
    });
    this.#surface.addEventListener('focus', () => this.#showRing());
    this.#takePointer();
  }

  /**
   * Opens the editor for a style.
   * @param {number} index
   * @param {Which} which
   */
  async edit(index, which) {
    const style = this.#form.styles[index];
    const picture = which === 'mask' ? this.#form.content : style.picture;
    if (!picture) {
      say(byId('content-error'), text('mask.needsContent'));
      byId('content-file').focus();
      return;
    }

    this.#target = { index, which, picture };
    byId('mask-title').textContent = text(`mask.title.${which}`, { name: style.picture.name });
    byId('mask-hint').textContent = text(`mask.hint.${which}`, { name: style.picture.name });
    byId('mask-remove').hidden = !style[which];
    say(byId('mask-error'), null);
    const under = byId('mask-under');
    under.src = address.view(picture);
    under.alt = picture.name;
    byId('mask-stage').style.setProperty('--ratio', String(picture.width / picture.height));
    const shrink = Math.min(1, longestSide / Math.max(picture.width, picture.height));
    this.#mask.start(
      Math.max(1, Math.round(picture.width * shrink)), Math.max(1, Math.round(picture.height * shrink)),
      await load(style[which]));
    this.#place = { x: 0.5, y: 0.5 };
    this.#showButtons();
    await open(this.#dialog);
  }

  get #erases() {
    return this.#dialog.querySelector('input[name="mask-tool"]:checked').value === 'erase';
  }

  /** The brush's width as a share of the picture's longest side. */
  get #width() {
    return Number(byId('mask-size').value) / 100;
  }

  async #save() {
    const target = this.#target;
    if (!target) return;
    if (this.#mask.isEmpty) {
      say(byId('mask-error'), text('mask.empty'));
      return;
    }

    const button = byId('mask-save');
    button.disabled = true;
    try {
      const mask = await api.upload(await this.#mask.toPng(), text('mask.file'));
      this.#form.setMask(target.index, target.which, mask);
      this.#dialog.close();
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      say(byId('mask-error'), failure.message);
    } finally {
      button.disabled = false;
    }
  }

  #remove() {
    if (this.#target) this.#form.setMask(this.#target.index, this.#target.which, null);
    this.#dialog.close();
  }

  /** @param {string} id @param {() => void} action */
  #listen(id, action) {
    byId(id).addEventListener('click', () => {
      action();
      this.#showButtons();
    });
  }

  #showButtons() {
    byId('mask-undo').setAttribute('aria-disabled', String(!this.#mask.canUndo));
    byId('mask-redo').setAttribute('aria-disabled', String(!this.#mask.canRedo));
    say(byId('mask-error'), null);
  }

  #takePointer() {
    const surface = this.#surface;
    surface.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      surface.focus();
      surface.setPointerCapture(event.pointerId);
      this.#aim(event);
      this.#mask.begin(this.#point(event), this.#erases);
      this.#showButtons();
    });
    surface.addEventListener('pointermove', (/** @type {PointerEvent} */ event) => {
      this.#aim(event);
      if (!surface.hasPointerCapture(event.pointerId)) return;
      // Events are merged for the screen; a fast stroke's corners are only in those that were merged.
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.#mask.extend(this.#point(each));
    });
    surface.addEventListener('pointerleave', () => this.#ring.hidden = document.activeElement !== surface);
  }

  /** @param {PointerEvent} event */
  #aim(event) {
    const { left, top, width, height } = this.#surface.getBoundingClientRect();
    this.#place = { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
    this.#showRing();
  }

  /** A pen that is pressed harder draws wider. @param {PointerEvent} event */
  #point(event) {
    const { left, top, width, height } = this.#surface.getBoundingClientRect();
    return this.#scaled((event.clientX - left) / width, (event.clientY - top) / height,
      event.pointerType === 'pen' && event.pressure > 0 ? 0.4 + 1.2 * event.pressure : 1);
  }

  /** @param {number} x @param {number} y @param {number} [pressure] */
  #scaled(x, y, pressure = 1) {
    const { width, height } = byId('mask-canvas');
    return { x: x * width, y: y * height, width: this.#width * Math.max(width, height) * pressure };
  }

  #showRing() {
    const { width, height } = this.#surface.getBoundingClientRect();
    const size = this.#width * Math.max(width, height);
    const { style } = this.#ring;
    this.#ring.hidden = false;
    this.#ring.classList.toggle('down', this.#down);
    style.left = `${this.#place.x * width - size / 2}px`;
    style.top = `${this.#place.y * height - size / 2}px`;
    style.width = style.height = `${size}px`;
  }

  /** @param {KeyboardEvent} event */
  #dialogKey(event) {
    if (!(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    if (key !== 'z' && key !== 'y') return;
    event.preventDefault();
    if (key === 'y' || event.shiftKey) this.#mask.redo();
    else this.#mask.undo();
    this.#showButtons();
  }

  /** @param {KeyboardEvent} event */
  #brushKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = this.#width * (event.shiftKey ? 2 : 0.5);
    const { width, height } = byId('mask-canvas');
    const longest = Math.max(width, height);
    /** @type {Record<string, () => void>} */
    const actions = {
      'ArrowLeft': () => this.#moveBrush(-step * longest / width, 0),
      'ArrowRight': () => this.#moveBrush(step * longest / width, 0),
      'ArrowUp': () => this.#moveBrush(0, -step * longest / height),
      'ArrowDown': () => this.#moveBrush(0, step * longest / height),
      ' ': () => this.#toggleDown(),
      'e': () => this.#choose('erase'),
      'b': () => this.#choose('add'),
      '[': () => this.#resize(-1),
      ']': () => this.#resize(1),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
    this.#showRing();
  }

  /** @param {number} dx @param {number} dy */
  #moveBrush(dx, dy) {
    const within = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));
    this.#place = { x: within(this.#place.x + dx), y: within(this.#place.y + dy) };
    if (this.#down) this.#mask.extend(this.#scaled(this.#place.x, this.#place.y));
  }

  #toggleDown() {
    this.#down = !this.#down;
    if (!this.#down) return;
    this.#mask.begin(this.#scaled(this.#place.x, this.#place.y), this.#erases);
    this.#showButtons();
  }

  /** @param {'add' | 'erase'} tool */
  #choose(tool) {
    this.#down = false;
    this.#dialog.querySelector(`input[name="mask-tool"][value="${tool}"]`).checked = true;
  }

  /** @param {number} by */
  #resize(by) {
    byId('mask-size').value = String(Number(byId('mask-size').value) + by);
  }
}

/** @param {Picture | null} mask @returns {Promise<HTMLImageElement | null>} */
async function load(mask) {
  if (!mask) return null;
  const image = new Image();
  image.src = address.view(mask);
  await image.decode();
  return image;
}
