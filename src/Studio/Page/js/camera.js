/** Takes a picture with the camera. */

import { open } from './dialogs.js';
import { byId, say } from './dom.js';
import { text } from './text.js';

const quality = 0.95;

/** The camera on a phone's back, with more pixels than most pictures are painted with. */
const wanted = { width: { ideal: 1920 }, facingMode: 'environment' };

/**
 * Shows what the camera sees until a picture is taken.
 * @returns {Promise<File | null>} The picture, or null if none was taken.
 */
export async function takePicture() {
  const dialog = byId('camera-dialog');
  const video = /** @type {HTMLVideoElement} */ (byId('camera-video'));
  const take = /** @type {HTMLButtonElement} */ (byId('camera-take'));
  /** @type {MediaStream | null} */
  let stream = null;
  /** @type {File | null} */
  let file = null;
  say(byId('camera-error'), null);
  take.disabled = true;
  take.onclick = async () => {
    file = await grab(video);
    dialog.close();
  };
  const closed = open(dialog);
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    video.srcObject = stream;
    await video.play();
    take.disabled = false;
    // The dialog may have been closed while the browser asked for leave.
    if (!dialog.open) release();
  } catch {
    say(byId('camera-error'), text('camera.none'));
  }

  await closed;
  release();
  return file;

  function release() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  }
}

/** @param {HTMLVideoElement} video @returns {Promise<File>} */
async function grab(video) {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality });
  return new File([blob], text('camera.file'), { type: blob.type });
}
