#!/usr/bin/env node
// What `blindspot` starts. It loads the program only once the Node is known to be able to read it.
import './node-24.js'

await import('./node-settings.js')
await import('./main.ts')
