/** The switch for the language of the page. The server reads the cookie. */

const COOKIE = "language";
const KEPT_SECONDS = 365 * 24 * 60 * 60;

export function mountLanguage(select) {
  select.addEventListener("change", () => {
    document.cookie = `${COOKIE}=${select.value}; path=/; max-age=${KEPT_SECONDS}; samesite=lax`;
    location.reload();
  });
}
