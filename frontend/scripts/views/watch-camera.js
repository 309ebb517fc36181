/** Reads barcodes with the camera, where the browser can. */

import { text } from "../state/messages.js";
import { takeSight } from "../state/scanner.js";

const LOOK_EVERY_MS = 150;
const FAILURES = {
  NotAllowedError: "camera.not_allowed",
  NotFoundError: "camera.none",
  NotReadableError: "camera.in_use",
};

/** Why codes can't be read with the camera; "" if they can. */
export function whyNoCamera({ isSecureContext, navigator, BarcodeDetector }) {
  if (!isSecureContext) return text("camera.needs_https");
  if (!navigator.mediaDevices?.getUserMedia) return text("camera.not_in_browser");
  return BarcodeDetector ? "" : text("camera.no_barcodes");
}

/**
 * Show the camera in the video, and call `onCode` with each code that comes into view.
 * @returns {Promise<() => void>} a function that stops it. Throws an error for people if there is no picture.
 */
export async function watchCamera(video, onCode) {
  const stream = await openCamera();
  const detector = new globalThis.BarcodeDetector();
  let seen = new Map();
  let timer;

  async function look() {
    const codes = await detector.detect(video).catch(() => []); // there is no picture yet, or none any more
    if (!stream.active) return;
    const sight = takeSight(seen, codes.map(({ rawValue }) => rawValue), performance.now());
    seen = sight.seen;
    for (const code of sight.counted) onCode(code);
    timer = setTimeout(look, LOOK_EVERY_MS);
  }

  function stop() {
    clearTimeout(timer);
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }

  video.srcObject = stream;
  await video.play().catch(() => {}); // it was stopped before the first picture
  look();
  return stop;
}

async function openCamera() {
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch ({ name }) {
    throw new Error(text(FAILURES[name] ?? "camera.failed"));
  }
}
