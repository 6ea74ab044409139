import { availableParallelism, cpus } from 'node:os'
import { benchOtp } from './otp.js'
import { benchQr } from './qr.js'

console.log(`${cpus()[0]?.model ?? 'Unknown CPU'}, ${availableParallelism()} cores, Node.js ${process.version}`)

await benchOtp()
await benchQr()
