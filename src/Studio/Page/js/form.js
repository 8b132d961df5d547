/** What the next picture is to be made of: pictures, model, preset and settings. The browser's tab remembers it. */

import { plain } from './format.js';

/**
 * @typedef {import('./api.js').Picture} Picture
 * @typedef {import('./api.js').Style} Style
 * @typedef {import('./api.js').Job} Job
 * @typedef {import('./api.js').Studio} Studio
 * @typedef {{preset: true} | {weights: true} | {setting: string}} Edit What a person has changed of a transfer.
 */

const storageKey = 'nativestyle-form';

export class Form {
  /** @type {'transfer' | 'stylize'} */
  kind = 'transfer';

  /** @type {Picture | null} */
  content = null;

  /** @type {Style[]} */
  styles = [];

  /** @type {string | null} */
  model = null;

  preset = '';

  /** @type {Record<string, string>} The settings that differ from the preset's. */
  settings = {};

  /** @type {Record<string, string>} The settings of a model's drawing. */
  drawing = {};

  #studio;
  #events = new EventTarget();

  /** @param {Studio} studio */
  constructor(studio) {
    this.#studio = studio;
    this.preset = studio.presets[0].name;
    this.#restore();
    this.#check();
  }

  /** Takes another studio's presets and models, after the server's start. @param {Studio} studio */
  use(studio) {
    this.#studio = studio;
    this.#check();
    this.#changed();
  }

  /** Calls a listener after every change. @param {() => void} listener */
  onChange(listener) {
    this.#events.addEventListener('change', listener);
  }

  /** Calls a listener when a person has changed a value of a transfer. @param {(edit: Edit) => void} listener */
  onEdit(listener) {
    this.#events.addEventListener('edit', event => listener(/** @type {CustomEvent} */ (event).detail));
  }

  get presetValues() {
    return this.#studio.presets.find(preset => preset.name === this.preset)?.values ?? {};
  }

  /** The value in force. @param {string} name */
  value(name) {
    return this.settings[name] ?? this.presetValues[name] ?? '';
  }

  /**
   * Sets a value; null, or the preset's own, takes it back.
   * @param {string} name
   * @param {string | null} value
   */
  set(name, value) {
    this.#put(name, value);
    this.#changed({ setting: name });
  }

  /**
   * Takes another preset. Strength and stroke size are relative to a preset's values, so they stay what they are.
   * @param {string} name
   */
  setPreset(name) {
    const factors = ['style-weight', 'style-scale'].map(each => [each, this.factor(each)]);
    this.preset = name;
    for (const [each, factor] of factors) this.#put(String(each), this.#scaled(String(each), Number(factor)));
    for (const [each, value] of Object.entries(this.settings)) this.#put(each, value);
    this.#changed({ preset: true });
  }

  /** How many times the preset's value a value is. @param {string} name */
  factor(name) {
    const base = Number(this.presetValues[name]);
    return base > 0 ? Number(this.value(name)) / base : 1;
  }

  /** Sets a value to a multiple of the preset's. @param {string} name @param {number} factor */
  setFactor(name, factor) {
    this.set(name, this.#scaled(name, factor));
  }

  /** @param {string} name @param {string | null} value */
  setDrawing(name, value) {
    if (value === null || value === '') delete this.drawing[name];
    else this.drawing[name] = value;
    this.#changed();
  }

  /** @param {'transfer' | 'stylize'} kind */
  setKind(kind) {
    this.kind = kind;
    this.#changed();
  }

  /**
   * Takes another content picture. Masks were painted over the one before, so they go.
   * @param {Picture} picture
   * @returns {boolean} Whether there were masks.
   */
  setContent(picture) {
    const masked = picture.id !== this.content?.id && this.styles.some(style => style.mask);
    if (masked) this.styles = this.styles.map(style => ({ ...style, mask: null }));
    this.content = picture;
    this.#changed();
    return masked;
  }

  /** @param {Picture} picture */
  addStyle(picture) {
    this.kind = 'transfer';
    this.styles = [...this.styles, { picture, weight: 1, mask: null, styleMask: null }];
    this.#changed();
  }

  /** @param {number} index */
  removeStyle(index) {
    this.styles = this.styles.filter((_, i) => i !== index);
    this.#changed();
  }

  /** Drops a picture that the server no longer has. @param {string} id */
  forget(id) {
    if (this.content?.id === id) this.content = null;
    this.styles = this.styles.filter(style => style.picture.id !== id);
    this.#changed();
  }

  /** @param {number} index @param {number} weight */
  setWeight(index, weight) {
    this.styles = this.styles.map((style, i) => i === index ? { ...style, weight } : style);
    this.#changed({ weights: true });
  }

  /** @param {number} index @param {'mask' | 'styleMask'} which @param {Picture | null} mask */
  setMask(index, which, mask) {
    this.styles = this.styles.map((style, i) => i === index ? { ...style, [which]: mask } : style);
    this.#changed();
  }

  /** @param {string} name */
  setModel(name) {
    this.kind = 'stylize';
    this.model = name;
    this.#changed();
  }

  /** The body of the call that makes a job. */
  request() {
    const content = this.content?.id;
    if (this.kind === 'stylize') return { kind: this.kind, content, model: this.model, settings: this.drawing };
    return {
      kind: this.kind,
      content,
      styles: this.styles.map(({ picture, weight, mask, styleMask }) =>
        ({ picture: picture.id, weight, mask: mask?.id ?? null, styleMask: styleMask?.id ?? null })),
      preset: this.preset,
      settings: this.settings,
    };
  }

  /** Whether the pictures are those of a job, so that only values can differ. @param {Job} job */
  hasPicturesOf(job) {
    /** @param {Picture | null} content @param {Style[]} styles */
    const ids = (content, styles) => JSON.stringify(
      [content?.id, styles.map(style => [style.picture.id, style.mask?.id ?? null, style.styleMask?.id ?? null])]);
    return job.kind === this.kind && ids(job.content, job.styles) === ids(this.content, this.styles);
  }

  /** Takes over everything of a job. @param {Job} job */
  takeFrom(job) {
    this.kind = job.kind;
    this.content = job.content;
    if (job.kind === 'stylize') {
      this.model = job.model;
      this.drawing = { ...job.settings };
      this.#changed();
    } else {
      this.styles = job.styles.map(style => ({ ...style }));
      this.takeValues(job);
    }
  }

  /**
   * Takes over the values of a job.
   * @param {Job} job
   * @param {(edit: Edit) => boolean} [keeps] Whether a value stays what it is, since it is yet to be sent.
   */
  takeValues(job, keeps = () => false) {
    if (!keeps({ weights: true }))
      this.styles = this.styles.map((style, i) => ({ ...style, weight: job.styles[i]?.weight ?? style.weight }));
    if (!keeps({ preset: true })) {
      const known = this.#studio.presets.find(preset => preset.name === job.preset);
      if (known) this.preset = known.name;
      // A preset of this program's last version may be gone; then all that was in force is a setting.
      for (const name of new Set([...Object.keys(job.values), ...Object.keys(this.settings)]))
        if (!keeps({ setting: name })) this.#put(name, job.values[name] ?? null);
    }

    this.#changed();
  }

  /** @param {string} name @param {string | null} value */
  #put(name, value) {
    const base = this.presetValues[name];
    if (value === null || value === base || sameNumber(value, base)) delete this.settings[name];
    else this.settings[name] = value;
  }

  /** @param {string} name @param {number} factor */
  #scaled(name, factor) {
    const base = Number(this.presetValues[name]);
    return factor === 1 || !(base > 0) ? null : plain(base * factor);
  }

  /** @param {Edit} [edit] */
  #changed(edit) {
    const { kind, content, styles, model, preset, settings, drawing } = this;
    sessionStorage.setItem(storageKey, JSON.stringify({ kind, content, styles, model, preset, settings, drawing }));
    this.#events.dispatchEvent(new Event('change'));
    if (edit) this.#events.dispatchEvent(new CustomEvent('edit', { detail: edit }));
  }

  #restore() {
    const stored = sessionStorage.getItem(storageKey);
    if (stored) Object.assign(this, JSON.parse(stored));
  }

  /** Drops what this studio does not have. */
  #check() {
    const { presets, models, settings } = this.#studio;
    if (!presets.some(preset => preset.name === this.preset)) this.preset = presets[0].name;
    if (!models.some(model => model.name === this.model)) this.model = null;
    const names = new Set(settings.map(setting => setting.name));
    this.settings = Object.fromEntries(Object.entries(this.settings).filter(([name]) => names.has(name)));
  }
}

/** Whether two texts are the same number. @param {string} a @param {string | undefined} b */
export const sameNumber = (a, b) =>
  b !== undefined && a.trim() !== '' && b.trim() !== '' && Number(a) === Number(b);
