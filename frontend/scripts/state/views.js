/** The views, as the address names them: the list of items, the tasks of booking, the reports, the board, and the import. */

import { VERBS } from "./reasons.js";

export const DEFAULT_VIEW = "stock";
export const VIEWS = [DEFAULT_VIEW, ...Object.keys(VERBS), "low", "journal", "past", "board", "import"];
