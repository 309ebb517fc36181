/** Loads the texts of the page. */

import { setMessages } from "../state/messages.js";

/** The page names the file with the texts in its language. */
export async function loadMessages() {
  const { href } = document.querySelector('link[rel="preload"][as="fetch"]');
  const response = await fetch(href);
  setMessages(document.documentElement.lang, await response.json(), navigator.languages);
}
