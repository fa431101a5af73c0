import type { Batch } from '../../component/batch.ts'
import { ACCEPTED, type Consumer, type DropReason, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import type { Books, Branch } from './branch.ts'

/**
 * Gives each batch to every branch: from a receiver to its pipelines, from a pipeline to its exporters.
 *
 * The sender has one answer for all of them, and a retry must not bring anything twice to a branch that has it already:
 *
 *     all take it                     accepted
 *     none takes it                   refused; the sender has it still
 *     some take it, some cannot now   accepted; it is kept for those that cannot, and offered to them again. Until they
 *                                     have it, everything else is refused before any branch sees it
 *     some take it, some never will   partial: lost for those, counted as rejected
 *
 * So what is kept is bounded by the requests that were under way when the first branch refused.
 */
export class FanOut<B extends Batch = Batch> implements Consumer<B> {
  readonly #branches: readonly Branch<B>[]
  readonly #books: Books
  readonly #forks: boolean

  /** `forks`: whether branches edit what they get, so that each needs edits of its own. */
  constructor(branches: readonly Branch<B>[], books: Books, forks: boolean) {
    this.#branches = branches
    this.#books = books
    this.#forks = forks && branches.length > 1
  }

  consume(batch: B): Outcome | Promise<Outcome> {
    const items = batch.itemCount
    for (const branch of this.#branches) if (branch.blocked()) return this.#turnAway(items, blockedBy(branch))
    const offers: (Outcome | Promise<Outcome>)[] = []
    const batches: B[] = []
    let waits = false
    for (const branch of this.#branches) {
      const own = this.#forks ? (batch.fork() as B) : batch
      const offer = branch.offer(own, items)
      if (offer instanceof Promise) waits = true
      // Nobody has it yet, so it can still be refused as a whole.
      else if (offer.kind === 'refused' && offer.error.retryable && offers.length === 0) {
        return this.#turnAway(items, offer)
      }
      offers.push(offer)
      batches.push(own)
    }
    if (waits) return Promise.all(offers).then((outcomes) => this.#settle(batches, items, outcomes))
    return this.#settle(batches, items, offers as Outcome[])
  }

  /** Hands on all that is kept; gives it up at the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    await Promise.all(this.#branches.map((branch) => branch.drain(deadlineMs)))
  }

  #turnAway(items: number, outcome: Outcome): Outcome {
    for (const branch of this.#branches) branch.books.turnedAway(items)
    this.#books.turnedAway(items)
    return outcome
  }

  #settle(batches: readonly B[], items: number, outcomes: readonly Outcome[]): Outcome {
    if (outcomes.every((outcome) => outcome.kind === 'refused')) {
      return this.#turnAway(items, outcomes.find((outcome) => outcome.error.retryable) ?? outcomes[0]!)
    }
    let answer: Outcome = ACCEPTED
    let debt: Debt | null = null
    for (const [i, branch] of this.#branches.entries()) {
      const outcome = outcomes[i]!
      if (outcome.kind !== 'refused') {
        if (outcome.kind === 'partial') answer = outcome
        continue
      }
      debt ??= new Debt(items, this.#books)
      if (outcome.error.retryable) branch.keep(batches[i]!, items, debt.owe())
      else {
        branch.books.kept(items)
        branch.books.settled(items, 'rejected')
        debt.owe()('rejected')
        const message = `${branch.name} refused: ${outcome.error.message}`
        answer = { kind: 'partial', droppedItems: items, reason: 'rejected', message }
      }
    }
    if (debt === null) this.#books.taken(items)
    else debt.close()
    return answer
  }
}

/** What one batch still owes to branches, so that the whole of it is settled once, when the last branch has it. */
class Debt {
  readonly #items: number
  readonly #books: Books
  /** Branches that wait, and one for the loop that is still adding some. */
  #open = 1
  #lost: DropReason | null = null

  constructor(items: number, books: Books) {
    this.#items = items
    this.#books = books
    books.kept(items)
  }

  owe(): (lost: DropReason | null) => void {
    this.#open++
    return (lost) => {
      this.#lost ??= lost
      this.close()
    }
  }

  close(): void {
    this.#open--
    if (this.#open === 0) this.#books.settled(this.#items, this.#lost)
  }
}

/** Says not how long to wait: a stage before may ask again soon, and receivers know what to tell a sender. */
function blockedBy(branch: { readonly name: string }): Outcome {
  return refused(new GatewayError('queue_full', `${branch.name} takes no data at the moment`, { retryable: true }))
}
