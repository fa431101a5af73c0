/** Shared with the rules on lifetimes. */
export { boundaryOf } from '../../component/boundary.ts'
