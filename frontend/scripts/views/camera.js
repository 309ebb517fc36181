/** The button that scans with the camera, and its picture. Without a camera, a sentence says why. */

import { text } from "../state/messages.js";
import { setText } from "./text.js";
import { watchCamera, whyNoCamera } from "./watch-camera.js";

export function mountCamera(element, { onCode }) {
  const [button, video, said] = ["button", "video", "p"].map((name) => element.querySelector(name));
  let stop = null;
  let attempt = 0; // a camera may answer after the person has closed the dialog

  async function start() {
    const own = (attempt += 1);
    setText(said, "");
    try {
      const end = await watchCamera(video, onCode);
      if (own === attempt) stop = end;
      else end();
    } catch (error) {
      if (own === attempt) setText(said, error.message);
    }
    show();
  }

  function end() {
    attempt += 1;
    stop?.();
    stop = null;
    show();
  }

  function show() {
    video.hidden = stop === null;
    setText(button, text(stop ? "camera.stop" : "camera.scan"));
  }

  const reason = whyNoCamera(globalThis);
  button.hidden = reason !== "";
  setText(said, reason);
  button.addEventListener("click", () => (stop ? end() : start()));
  return { stop: end };
}
