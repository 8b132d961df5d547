/** A mask that is drawn with strokes, each of which can be undone. */

/**
 * @typedef {{x: number, y: number, width: number}} Point In the canvas's pixels.
 * @typedef {{kind: 'stroke', erase: boolean, points: Point[]} | {kind: 'clear'} | {kind: 'invert'}} Step
 */

/** The ruby of a lithographer's masking film. The canvas's opacity is the mask; only the export makes it white. */
const film = '#e4003a';

export class Mask {
  #canvas;
  #context;
  /** @type {CanvasImageSource | null} */
  #base = null;
  /** @type {Step[]} All steps, including those that were undone. */
  #steps = [];
  #done = 0;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  }

  get canUndo() {
    return this.#done > 0;
  }

  get canRedo() {
    return this.#done < this.#steps.length;
  }

  /** Whether nothing is painted. */
  get isEmpty() {
    const { width, height } = this.#canvas;
    const { data } = this.#context.getImageData(0, 0, width, height);
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) return false;
    return true;
  }

  /**
   * Starts anew.
   * @param {number} width
   * @param {number} height
   * @param {HTMLImageElement | null} mask A mask to go on with: white counts.
   */
  start(width, height, mask) {
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#steps = [];
    this.#done = 0;
    this.#base = mask && filmOf(mask, width, height);
    this.#redraw();
  }

  /** Begins a stroke with a dab. @param {Point} point @param {boolean} erase */
  begin(point, erase) {
    /** @type {Step} */
    const stroke = { kind: 'stroke', erase, points: [point] };
    this.#steps.length = this.#done;
    this.#steps.push(stroke);
    this.#done++;
    this.#segment(stroke, 0);
  }

  /** Goes on with the stroke. @param {Point} point */
  extend(point) {
    const stroke = this.#steps[this.#done - 1];
    if (stroke?.kind !== 'stroke') return;
    stroke.points.push(point);
    this.#segment(stroke, stroke.points.length - 1);
  }

  clear() {
    this.#add({ kind: 'clear' });
  }

  invert() {
    this.#add({ kind: 'invert' });
  }

  undo() {
    if (!this.canUndo) return;
    this.#done--;
    this.#redraw();
  }

  redo() {
    if (this.canRedo) this.#apply(this.#steps[this.#done++]);
  }

  /** Writes the mask as a picture: white counts, black does not. @returns {Promise<Blob>} */
  toPng() {
    const { width, height } = this.#canvas;
    const white = new OffscreenCanvas(width, height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (white.getContext('2d'));
    context.drawImage(this.#canvas, 0, 0);
    context.globalCompositeOperation = 'source-in';
    context.fillStyle = 'white';
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = 'destination-over';
    context.fillStyle = 'black';
    context.fillRect(0, 0, width, height);
    return white.convertToBlob({ type: 'image/png' });
  }

  /** @param {Step} step */
  #add(step) {
    this.#steps.length = this.#done;
    this.#steps.push(step);
    this.#done++;
    this.#apply(step);
  }

  #redraw() {
    const { width, height } = this.#canvas;
    this.#context.globalCompositeOperation = 'source-over';
    this.#context.clearRect(0, 0, width, height);
    if (this.#base) this.#context.drawImage(this.#base, 0, 0);
    for (const step of this.#steps.slice(0, this.#done)) this.#apply(step);
  }

  /** @param {Step} step */
  #apply(step) {
    const { width, height } = this.#canvas;
    if (step.kind === 'stroke') {
      for (let i = 0; i < step.points.length; i++) this.#segment(step, i);
    } else if (step.kind === 'clear') {
      this.#context.clearRect(0, 0, width, height);
    } else {
      // Over an opaque picture, xor leaves what was not opaque.
      this.#context.globalCompositeOperation = 'xor';
      this.#context.fillStyle = film;
      this.#context.fillRect(0, 0, width, height);
    }
  }

  /** Draws a stroke's piece that ends at a point. @param {Step & {kind: 'stroke'}} stroke @param {number} end */
  #segment(stroke, end) {
    const from = stroke.points[Math.max(0, end - 1)];
    const to = stroke.points[end];
    const context = this.#context;
    context.globalCompositeOperation = stroke.erase ? 'destination-out' : 'source-over';
    context.strokeStyle = film;
    context.lineCap = 'round';
    context.lineWidth = to.width;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }
}

/**
 * Makes a film that is opaque where a picture is white.
 * @param {HTMLImageElement} mask
 * @param {number} width
 * @param {number} height
 */
function filmOf(mask, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.drawImage(mask, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  const [red, green, blue] = [1, 3, 5].map(at => parseInt(film.slice(at, at + 2), 16));
  for (let i = 0; i < data.length; i += 4) {
    // The server shows masks as JPEG, which leaves traces in black and white.
    const white = data[i + 1];
    data.set([red, green, blue, white < 16 ? 0 : white > 239 ? 255 : white], i);
  }

  context.putImageData(pixels, 0, 0);
  return canvas;
}
