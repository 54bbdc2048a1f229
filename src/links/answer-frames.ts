// Answers of one post → frames that fit on the line: nearly always one.

import type { AnswersFrame } from '../boundary/index.ts'

/** Of sealed text in one frame; what is around it adds little. */
const FRAME_CHARS = 8 * 1024 * 1024

type Answer = AnswersFrame['answers'][number]

const groupsOf = (answers: readonly Answer[]): readonly (readonly Answer[])[] => {
  const groups: Answer[][] = [[]]
  let chars = 0
  for (const answer of answers) {
    const size = answer.kmsMessage?.length ?? 0
    chars += size
    if (chars > FRAME_CHARS) {
      groups.push([])
      chars = size
    }
    groups.at(-1)?.push(answer)
  }
  return groups
}

/** In order; every frame but the last says that there is more. */
export const framesOf = (answers: AnswersFrame): readonly AnswersFrame[] => {
  const groups = groupsOf(answers.answers)
  if (groups.length === 1) return [answers]
  const { type, id } = answers
  return groups.map((group, index) =>
    index === groups.length - 1
      ? { type, id, answers: group }
      : { type, id, answers: group, more: true },
  )
}
