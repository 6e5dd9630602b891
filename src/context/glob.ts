/**
 * Whether all of `text` is what `pattern` describes: `*` stands for any characters, also none and `/`, `?` for any one. Takes
 * at most the product of both lengths in steps, whatever the pattern, unlike a regular expression made of it.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let textAt = 0;
  let star = -1;
  let starTextAt = 0;
  while (textAt < text.length) {
    const wanted = pattern[at];
    if (wanted === '*') {
      star = at++;
      starTextAt = textAt;
    } else if (wanted !== undefined && (wanted === '?' || wanted === text[textAt])) {
      at += 1;
      textAt += 1;
    } else if (star >= 0) {
      at = star + 1;
      starTextAt += 1;
      textAt = starTextAt;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
