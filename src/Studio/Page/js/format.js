/** Numbers, times and sizes as words. */

import { language, text } from './text.js';

/**
 * Writes a number with about three digits.
 * @param {number} value
 */
export function short(value) {
  const size = Math.abs(value);
  const options = size !== 0 && (size < 1e-3 || size >= 1e6)
    ? { notation: /** @type {const} */ ('scientific'), maximumSignificantDigits: 3 } : { maximumSignificantDigits: 3 };
  return new Intl.NumberFormat(language, options).format(value);
}

/**
 * Writes a factor, such as x 1.5.
 * @param {number} value
 */
export const times = value => text('number.times', { value: short(value) });

/**
 * Writes a share of 1 in per cent.
 * @param {number} share
 */
export const percent = share =>
  new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(share);

/**
 * Writes how long something lasts, as roughly as people say it.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 60) return text('time.seconds', { count: Math.max(1, Math.round(seconds)) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return text('time.minutes', { count: minutes });
  return text('time.hours', { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/**
 * Writes a picture's size.
 * @param {number} width
 * @param {number} height
 */
export const pixels = (width, height) => text('number.pixels', { width, height });

/**
 * Writes a number of bytes.
 * @param {number} bytes
 */
export const megabytes = bytes => text('number.megabytes', { value: short(bytes / 2 ** 20) });

/**
 * Writes a number as the server reads it: without a language's separators, and short enough to be shown.
 * @param {number} value
 */
export const plain = value => String(Number(value.toPrecision(6)));
