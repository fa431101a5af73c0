import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { replayPicture } from '../../docs/generate/picture.ts'

const PICTURE = join(import.meta.dirname, '../../docs/images/replay.svg')

describe('the picture in the README', () => {
  it('shows what a replay of the recording prints; if not, run `npm run docs`', async () => {
    expect((await replayPicture()) === readFileSync(PICTURE, 'utf8') ? 'up to date' : 'stale').toBe('up to date')
  })
})
