// Debian packages (deb(5)): an ar archive of `debian-binary`, the control archive and the tree. Written here rather
// than by dpkg-deb, so that the compressor is that of the pinned Node and not that of the builder's machine.

export interface ArMember {
  readonly name: string
  readonly bytes: Uint8Array
}

const MAGIC = '!<arch>\n'
const HEADER = 60
/** Plain digits at their place: programs disagree about what else a number could be. */
const SIZE = /^.{48}(?<digits>\d{1,10}) *`\n$/s

const arHeader = ({ name, bytes }: ArMember, modifiedAt: number): Buffer =>
  Buffer.from(
    [
      name.padEnd(16),
      String(modifiedAt).padEnd(12),
      '0'.padEnd(6),
      '0'.padEnd(6),
      '100644'.padEnd(8),
      String(bytes.length).padEnd(10),
      '`\n',
    ].join(''),
    'latin1',
  )

export const writeAr = (members: readonly ArMember[], modifiedAt: number): Buffer =>
  Buffer.concat([
    Buffer.from(MAGIC, 'latin1'),
    ...members.flatMap((member) => [
      arHeader(member, modifiedAt),
      member.bytes,
      Buffer.alloc(member.bytes.length % 2, '\n'),
    ]),
  ])

/** Throws if it is no ar archive, or is cut off. */
export const readAr = (archive: Buffer): readonly ArMember[] => {
  if (archive.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('not an ar archive')
  const members: ArMember[] = []
  let at = MAGIC.length
  while (at < archive.length) {
    const head = archive.toString('latin1', at, at + HEADER)
    const { digits } = SIZE.exec(head)?.groups ?? {}
    const start = at + HEADER
    const size = Number(digits)
    if (digits === undefined || start + size > archive.length) {
      throw new Error('the package is cut off, or a header in it is damaged')
    }
    members.push({
      name: head.slice(0, 16).trim(),
      bytes: archive.subarray(start, start + size),
    })
    at = start + size + (size % 2)
  }
  return members
}

export const DEB_MEMBERS = ['debian-binary', 'control.tar.zst', 'data.tar.zst'] as const

export const writeDeb = (control: Uint8Array, data: Uint8Array, modifiedAt: number): Buffer => {
  const [version, controlName, dataName] = DEB_MEMBERS
  return writeAr(
    [
      { name: version, bytes: Buffer.from('2.0\n') },
      { name: controlName, bytes: control },
      { name: dataName, bytes: data },
    ],
    modifiedAt,
  )
}
