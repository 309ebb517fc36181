/** Offers to rename the same article at other locations, too, while the name of an item is being changed. */

import { text } from "../state/messages.js";
import { twinsOf } from "../state/twins.js";
import { setText } from "./text.js";

export function createRenameTwins(label, listing) {
  const checkbox = label.querySelector("input");

  return {
    /** @param {object | null} item null if it can't be changed */
    show(state, item, name) {
      const isRenamed = item !== null && name.trim() !== "" && name.trim() !== item.name;
      const count = isRenamed ? twinsOf(state, listing(state).items, item).length : 0;
      label.hidden = count === 0;
      if (label.hidden) checkbox.checked = false;
      else setText(label.querySelector("span"), text("item.rename_twins", { count }));
    },
    /** What the person has chosen, as options of the edit. */
    choice: () => ({ withTwins: checkbox.checked }),
  };
}
