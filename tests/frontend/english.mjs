/** Gives the modules under test the English texts. */

import { readFileSync } from "node:fs";

import { setMessages } from "../../frontend/scripts/state/messages.js";

const file = new URL("../../frontend/messages/en.json", import.meta.url);
setMessages("en", JSON.parse(readFileSync(file, "utf8")), ["en-GB"]);
