/** What the server would refuse, said at once. The server decides all the same. */

export const LARGEST_QUANTITY = 2_147_483_647;
const LONGEST_NAME = 200; // code points, not UTF-16 units

/** @returns {string | null} what is wrong */
export function nameError(text) {
  const name = text.trim();
  if (!name) return "Give the item a name.";
  if ([...name].length > LONGEST_NAME) return `A name has at most ${LONGEST_NAME} characters.`;
  return null;
}

/** @returns {{quantity: number} | {error: string}} */
export function parseQuantity(text) {
  const digits = text.trim();
  if (!/^\d+$/.test(digits)) return { error: "Enter a whole number, 0 or more." };
  const quantity = Number(digits);
  if (quantity > LARGEST_QUANTITY) return { error: `A quantity is at most ${LARGEST_QUANTITY.toLocaleString()}.` };
  return { quantity };
}
