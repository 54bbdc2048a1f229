// What strangers wrote, for a terminal or a page: characters that move the cursor, hide text or turn its direction are
// spelt out, so that printed lines say what the bytes say. In JSON the spelling means the same.

/** Controls (C0, C1, DEL), line separators, and the bidirectional ones of Unicode UAX #9. */
const ACTING = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

export const printable = (text: string): string =>
  text.replaceAll(ACTING, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
