// Loaded into every child of the development world (node --import): when the supervisor is gone, so is the child.
// The supervisor holds the other end of file descriptor 3 and never writes to it; its death closes the pipe.
import { Socket } from 'node:net'

const leash = new Socket({ fd: 3 })
leash.on('error', () => undefined)
leash.on('close', () => process.kill(process.pid, 'SIGKILL'))
leash.resume()
leash.unref()
