// What each file of a release is, and why it matters if it is not what the source makes: for the person who reads a
// difference and must decide.

interface Meaning {
  readonly files: RegExp
  readonly what: string
  readonly why: string
}

const MEANINGS: readonly Meaning[] = [
  {
    files: /^usr\/lib\/keyrealm\/bin\/node$/,
    what: 'the runtime',
    why: 'it executes everything and sees every key; another binary can do anything',
  },
  {
    files: /^usr\/lib\/keyrealm\/node_modules\/.*\.node$/,
    what: 'a native part',
    why: 'it is machine code inside the process that holds the keys',
  },
  {
    files: /^usr\/lib\/keyrealm\/(?:program|node_modules)\/|^usr\/lib\/keyrealm\/package\.json$/,
    what: 'the program',
    why: 'this code handles the keys; it is not what the commit says',
  },
  {
    files: /^usr\/bin\//,
    what: 'the command',
    why: 'it decides which program is started, and with which options',
  },
  {
    files: /\.service$/,
    what: 'a systemd unit',
    why: 'it decides under which user and with which rights the program runs',
  },
  {
    files: /^control archive: (?:postinst|prerm|postrm|preinst)$/,
    what: 'a maintainer script',
    why: 'dpkg runs it as root',
  },
  {
    files: /^usr\/share\/keyrealm\/debian\//,
    what: 'what the package is made of',
    why: 'dpkg reads it, and runs it as root',
  },
  {
    files: /^control archive: /,
    what: 'the package’s description',
    why: 'dpkg decides by it what else to install and what to check',
  },
  {
    files: /^image: /,
    what: 'the image’s description',
    why: 'it decides what a container starts, and as whom',
  },
  {
    files: /^usr\/share\/keyrealm\/.*\.json$/,
    what: 'a configuration template',
    why: 'settings are made from it',
  },
  {
    files: /audit-verify\.mjs$/,
    what: 'the auditor’s verifier',
    why: 'a changed one can call a forged log intact',
  },
  {
    files: /^usr\/lib\/keyrealm\/release\//,
    what: 'the evidence',
    why: 'only signatures and the log may differ between builders, and those must hold by themselves',
  },
  {
    files: /sbom\.cdx\.json$|\/(?:copyright|licences\/|LICENSE)/,
    what: 'a statement about the content',
    why: 'whoever looks for a vulnerable or a foreign package reads it',
  },
  {
    files: /completion|vendor-completions|fish/,
    what: 'a shell completion',
    why: 'an administrator’s shell executes it',
  },
  { files: /./, what: 'a page', why: 'administrators follow what it says' },
]

/** Which kind of file a path is. `control archive: x` and `image: x` name what is around the tree. */
export const meaningOf = (path: string): Omit<Meaning, 'files'> => {
  const found = MEANINGS.find(({ files }) => files.test(path))
  return found ?? { what: 'a file', why: 'it is not what the commit makes' }
}
