// The types that natural's leaf files lack. Its root is not declared, and must not be imported: it reads a `.env` file.

declare module 'natural/lib/natural/stemmers/*' {
  const leaf: { stem(word: string): string }
  export default leaf
}
