import { writeFileSync } from 'node:fs'
import { root } from './pages.js'
import { referencePage } from './reference/page.js'

/** `npm run docs:reference`: writes docs/reference.md. */
writeFileSync(`${root}docs/reference.md`, await referencePage())
