/** The losses of a run as curves over its iterations, on a logarithmic scale. */

import { byId } from './dom.js';
import { short } from './format.js';
import { text } from './text.js';

/**
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./api.js').Job} Job
 * @typedef {import('./api.js').LossPoint} LossPoint
 */

const namespace = 'http://www.w3.org/2000/svg';
const margin = { left: 46, right: 10, top: 8, bottom: 22 };

/** The curves, with their places in a loss point. Colours and dashes are in the style sheet. */
const curves = [{ name: 'content', at: 2 }, { name: 'style', at: 3 }, { name: 'tv', at: 4 }];

export class Plot {
  #store;
  #frames;
  #box = byId('plot');
  #drawn = 0;

  /** @param {Store} store @param {import('./frames.js').Frames} frames */
  constructor(store, frames) {
    this.#store = store;
    this.#frames = frames;
    byId('legend').replaceChildren(...curves.map(({ name }) => legend(name)));
    store.on('current', () => this.#schedule());
    store.on(['job', 'progress'], id => id === store.currentId && this.#schedule());
    frames.onShow(() => this.#schedule());
    new ResizeObserver(() => this.#schedule()).observe(this.#box);
  }

  /** Draws at the screen's next chance, however many events come before it. */
  #schedule() {
    cancelAnimationFrame(this.#drawn);
    this.#drawn = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const job = this.#store.current;
    const points = job?.losses ?? [];
    byId('plot-card').hidden = points.length < 2;
    if (!job || points.length < 2) return;
    const { clientWidth: width, clientHeight: height } = this.#box;
    if (width === 0) return;
    const svg = make('svg', { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' });
    const scale = scales(points, job, width, height);
    drawGrid(svg, scale, width, height);
    this.#drawMarks(svg, scale, job, height);
    for (const { name, at } of curves)
      svg.append(make('path', { class: `curve ${name}`, d: path(points, at, scale) }));
    this.#box.replaceChildren(svg);
    this.#describe(points.at(-1));
  }

  /**
   * Draws the iterations at which the size and the settings changed, and the one of the frame on the stage.
   * @param {SVGElement} svg @param {Scale} scale @param {Job} job @param {number} height
   */
  #drawMarks(svg, scale, job, height) {
    const line = (/** @type {number} */ iteration, /** @type {string} */ kind, /** @type {string} */ words) => {
      const x = scale.x(iteration);
      const mark = make('line', { class: `mark ${kind}`, x1: x, x2: x, y1: margin.top, y2: height - margin.bottom });
      const title = make('title', {});
      title.textContent = words;
      mark.append(title);
      svg.append(mark);
    };
    const frames = job.frames ?? [];
    for (const [i, frame] of frames.entries())
      if (i > 0 && frame.width !== frames[i - 1].width) line(frame.iteration, 'size', text('plot.size', frame));
    for (const change of job.changes) line(change.iteration, 'change', change.words);
    const shown = this.#frames.shown;
    if (shown && shown !== frames.at(-1)) line(shown.iteration, 'shown', text('plot.shown'));
  }

  /** @param {LossPoint | undefined} point */
  #describe(point) {
    if (!point) return;
    for (const { name, at } of curves)
      byId(`legend-${name}`).textContent = short(point[at]);
    this.#box.setAttribute('aria-label', text('plot.describe', {
      iteration: point[0], content: short(point[2]), style: short(point[3]), tv: short(point[4]),
    }));
  }
}

/**
 * @typedef {{
 *   x: (iteration: number) => number, y: (loss: number) => number, low: number, high: number, last: number
 * }} Scale Where iterations and losses are in the plot, and what it reaches to.
 */

/** @param {LossPoint[]} points @param {Job} job @param {number} width @param {number} height @returns {Scale} */
function scales(points, job, width, height) {
  const values = points.flatMap(point => curves.map(({ at }) => point[at])).filter(value => value > 0);
  const low = Math.min(...values) / 1.15;
  const high = Math.max(...values) * 1.15;
  const last = Math.max(job.total, points.at(-1)?.[0] ?? 1);
  const across = width - margin.left - margin.right;
  const down = height - margin.top - margin.bottom;
  return {
    x: iteration => margin.left + across * iteration / last,
    y: loss => margin.top + down * (1 - Math.log(loss / low) / Math.log(high / low)),
    low, high, last,
  };
}

/** @param {SVGElement} svg @param {Scale} scale @param {number} width @param {number} height */
function drawGrid(svg, scale, width, height) {
  for (const value of logTicks(scale.low, scale.high)) {
    const y = scale.y(value);
    svg.append(make('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: y, y2: y }),
      label(short(value), margin.left - 6, y + 4, 'end'));
  }

  for (const [share, anchor] of /** @type {const} */ ([[0, 'start'], [0.5, 'middle'], [1, 'end']])) {
    const iteration = Math.round(scale.last * share);
    svg.append(label(short(iteration), scale.x(iteration), height - 6, anchor));
  }
}

/** Chooses powers of ten, and 2 and 5 times these where there are few. @param {number} low @param {number} high */
function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const steps = decades > 5 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
  const every = decades > 5 ? Math.ceil(decades / 5) : 1;
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    if (power % every === 0) ticks.push(...steps.map(step => step * 10 ** power));
  return ticks.filter(value => value >= low && value <= high);
}

/** A loss of 0 has no place on a logarithmic scale, so the curve has a gap there. */
function path(/** @type {LossPoint[]} */ points, /** @type {number} */ at, /** @type {Scale} */ scale) {
  let drawing = false;
  return points.map(point => {
    const visible = point[at] > 0;
    const command = drawing ? 'L' : 'M';
    drawing = visible;
    return visible ? `${command}${scale.x(point[0]).toFixed(1)} ${scale.y(point[at]).toFixed(1)}` : '';
  }).join('');
}

/** @param {string} words @param {number} x @param {number} y @param {string} anchor */
function label(words, x, y, anchor) {
  const element = make('text', { x, y, 'text-anchor': anchor });
  element.textContent = words;
  return element;
}

/** @param {string} name */
function legend(name) {
  const item = document.createElement('li');
  const sample = make('svg', { width: 28, height: 10, 'aria-hidden': 'true' });
  sample.append(make('path', { class: `curve ${name}`, d: 'M1 5H27' }));
  const words = document.createElement('span');
  words.textContent = text(`plot.${name}`);
  const value = document.createElement('output');
  value.id = `legend-${name}`;
  item.append(sample, words, value);
  return item;
}

/** @param {string} name @param {Record<string, string | number>} values */
function make(name, values) {
  const element = /** @type {SVGElement} */ (document.createElementNS(namespace, name));
  for (const [key, value] of Object.entries(values)) element.setAttribute(key, String(value));
  return element;
}
