// Where things lie in the memory of the token engine, in bytes. The engine's source and its user both read it here.

/** Of one batch: what fits into the fixed places below. */
export const BATCH_TOKENS = 1024
/** The first 80 bits of an HMAC-SHA-256. */
export const TOKEN_BYTES = 10
/** Two states of SHA-256, of eight 32-bit words in the machine's (little-endian) order: after the inner pad, after the outer. */
export const KEY_STATES_BYTES = 64
/** Three 32-bit words: where the key's states lie, where the input begins, how long it is. */
export const DESCRIPTOR_BYTES = 12
/** The engine loads 16 bytes at a time and masks what is beyond the input. */
export const SLACK_BYTES = 16

export const ROUND_CONSTANTS_AT = 0
/** Eight vectors: the state of four messages. */
export const STATE_AT = 256
/** Sixteen vectors: one block of four messages. */
export const BLOCK_AT = 384
/** Eight vectors: the state before the block, for messages that have ended. */
export const BEFORE_AT = 640
export const SCRATCH_END = 768
export const DESCRIPTORS_AT = 1024
export const TOKENS_AT = DESCRIPTORS_AT + BATCH_TOKENS * DESCRIPTOR_BYTES
export const KEYS_AT = 24_576
export const INPUTS_AT = KEYS_AT + BATCH_TOKENS * KEY_STATES_BYTES

export const PAGE_BYTES = 65_536
/** Enough for a full batch of inputs of one block each. */
export const FIRST_PAGES = 3
/** Inputs of one batch; a longer input makes a batch of its own, for which the memory grows. */
export const BATCH_BYTES = 65_536
export const LONGEST_INPUT_BYTES = 2 ** 27
