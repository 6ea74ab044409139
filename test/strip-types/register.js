import * as module from 'node:module'

// Node.js 26 warns of `register`, which 20 has alone.
if (module.registerHooks) module.registerHooks(await import('./hooks.js'))
else module.register('./hooks.js', import.meta.url)
