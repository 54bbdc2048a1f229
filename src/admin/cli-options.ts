// Options that commands share.

import { InvalidArgumentError, Option } from 'commander'

export const configOption = () =>
  new Option('--config <file>', 'the settings file').env('KEYREALM_CONFIG').makeOptionMandatory()

export const jsonOption = () => new Option('--json', 'for programs')

export const passphraseOption = () =>
  new Option(
    '--passphrase-file <file>',
    'a private file with the passphrase; asked for unless told',
  )

export const wholeOption = (flags: string, description: string, byDefault: number): Option =>
  new Option(flags, description).default(byDefault).argParser((raw) => {
    if (!/^\d{1,15}$/.test(raw)) throw new InvalidArgumentError('It must be a whole number.')
    return Number(raw)
  })
