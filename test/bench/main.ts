import { availableParallelism, cpus } from 'node:os'
import { benchDevices } from './devices.js'
import { benchGuard } from './guard.js'
import { benchMaintenance } from './maintenance.js'
import { benchOtp } from './otp.js'
import { benchQr } from './qr.js'
import { benchRemote } from './remote.js'
import { benchVerify } from './verify.js'

console.log(`${cpus()[0]?.model ?? 'Unknown CPU'}, ${availableParallelism()} cores, Node.js ${process.version}`)

await benchOtp()
await benchQr()
await benchGuard()
await benchVerify()
await benchDevices()
await benchRemote()
await benchMaintenance()
