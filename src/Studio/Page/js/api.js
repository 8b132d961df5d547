/** The calls to the studio's server. Each throws an {@link ApiError} whose message is for the user. */

import { text } from './text.js';

/**
 * @typedef {{id: string, name: string, width: number, height: number, role: null | 'content' | 'style'}} Picture
 * @typedef {{picture: Picture, weight: number, mask: Picture | null, styleMask: Picture | null}} Style
 * @typedef {{n: number, iteration: number, width: number, height: number}} Frame
 * @typedef {[iteration: number, loss: number, content: number, style: number, tv: number]} LossPoint
 * @typedef {'queued' | 'running' | 'paused' | 'done' | 'stopped' | 'failed'} JobState
 * @typedef {{
 *   id: string, number: number, kind: 'transfer' | 'stylize', title: string, state: JobState, error: string | null,
 *   notices: string[], content: Picture | null, styles: Style[], model: string | null, preset: string | null,
 *   settings: Record<string, string>, values: Record<string, string>, width: number, height: number,
 *   iteration: number, total: number, secondsLeft: number | null, frames?: Frame[], losses?: LossPoint[],
 *   changes: Array<{iteration: number, words: string}>, command: string | null,
 *   result: null | {width: number, height: number, bytes: number, formats: string[]},
 *   explain: 'none' | 'making' | 'ready' | 'failed'
 * }} Job
 * @typedef {{
 *   name: string, help: string, group: string, rare: boolean, kind: 'number' | 'integer' | 'words' | 'flag' | 'text',
 *   min: number, max: number, choices: string[] | null
 * }} Setting
 * @typedef {{name: string, description: string, source: string, values: Record<string, string>}} Preset
 * @typedef {{
 *   version: string, readOnly: boolean, run: string, device: {name: string, description: string}, weights: string,
 *   limits: {uploadBytes: number, pixels: number, jobs: number, diskBytes: number, usedBytes: number},
 *   presets: Preset[], settings: Setting[],
 *   models: Array<{name: string, description: string, thumbnail: string}>,
 *   drawing: {strength: {min: number, max: number, default: number}, colors: string[]},
 *   samples: Picture[], layers: string[]
 * }} Studio
 * @typedef {{
 *   layer: string, stride: number, size: number, row: number, column: number, box: [number, number, number, number],
 *   channels: Array<{channel: number, value: number, share: number, map: string}>
 * }} Features
 */

/** A call that the server refused, or that did not reach it. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status The HTTP status, or 0 if the server was not reached.
   * @param {string | null} field The setting that the message is about.
   */
  constructor(message, status, field) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {BodyInit} [body]
 * @param {string} [type]
 */
async function call(method, path, body, type) {
  let response;
  try {
    response = await fetch(path, { method, body, headers: type ? { 'Content-Type': type } : undefined });
  } catch {
    throw new ApiError(text('error.unreachable'), 0, null);
  }

  const { status, headers } = response;
  const answer = headers.get('Content-Type')?.includes('json') ? await response.json().catch(() => null) : null;
  if (!response.ok)
    throw new ApiError(answer?.error ?? text('error.status', { status }), status, answer?.field ?? null);
  return answer;
}

/** @param {string} path */
const get = path => call('GET', path);

/**
 * @param {string} path
 * @param {object} [value]
 */
const post = (path, value = {}) => call('POST', path, JSON.stringify(value), 'application/json');

export const api = {
  /** @returns {Promise<Studio>} */
  studio: () => get('/api/studio'),

  /** @returns {Promise<Job[]>} The newest first, without losses and frames. */
  jobs: async () => (await get('/api/jobs')).jobs,

  /** @param {string} id @returns {Promise<Job>} */
  job: id => get(`/api/jobs/${id}`),

  /** @param {object} request @returns {Promise<Job>} */
  create: request => post('/api/jobs', request),

  /** @param {string} id @param {'pause' | 'continue' | 'stop'} what @returns {Promise<Job>} */
  control: (id, what) => post(`/api/jobs/${id}/${what}`),

  /** @param {string} id @param {object} change @returns {Promise<Job>} */
  change: (id, change) => post(`/api/jobs/${id}/change`, change),

  /** @param {string} id */
  explain: id => post(`/api/jobs/${id}/explain`),

  /** @param {string} id */
  remove: id => call('DELETE', `/api/jobs/${id}`, undefined, 'application/json'),

  /** @param {Blob} file @param {string} name @returns {Promise<Picture>} */
  upload: (file, name) =>
    call('POST', `/api/pictures?name=${encodeURIComponent(name)}`, file, 'application/octet-stream'),

  /** @param {string} id @param {number} x @param {number} y @param {string} layer @returns {Promise<Features>} */
  features: (id, x, y, layer) =>
    get(`/api/jobs/${id}/features?x=${x.toFixed(4)}&y=${y.toFixed(4)}&layer=${encodeURIComponent(layer)}`),
};

/** The addresses of pictures and files, for elements that fetch them by themselves. */
export const address = {
  /** @param {Picture} picture */
  thumbnail: picture => `/api/pictures/${picture.id}/thumbnail`,
  /** @param {Picture} picture */
  view: picture => `/api/pictures/${picture.id}/view`,
  /** @param {Job} job @param {number} n */
  frame: (job, n) => `/api/jobs/${job.id}/frames/${n}`,
  // The picture at this address changes while the job runs, so the iteration keeps the browser from showing an old one.
  /** @param {Job} job */
  jobThumbnail: job => `/api/jobs/${job.id}/thumbnail?at=${job.state}-${job.iteration}`,
  /** @param {Job} job @param {string} format */
  result: (job, format) => `/api/jobs/${job.id}/result?format=${format}`,
  /** @param {Job} job */
  recipe: job => `/api/jobs/${job.id}/recipe`,
  /** @param {Job} job */
  explanation: job => `/api/jobs/${job.id}/explain`,
};
