/**
 * The operation that a span name stands for where it is an RPC, as `package.Service/Method`; null where it is none. Known
 * forms: `search.Search/Nearby` (otelgrpc), `/search.Search/Nearby` (OpenTracing), `Recv.search.Search.Nearby` and
 * `Sent.search.Search.Nearby` (grpc-go's own plugin and OpenCensus).
 */
export function rpcNameOf(spanName: string): string | null {
  const dotted = /^(?:Recv|Sent)\.(.+)\.([A-Za-z_]\w*)$/.exec(spanName)
  const name = dotted ? `${dotted[1]}/${dotted[2]}` : spanName.startsWith('/') ? spanName.slice(1) : spanName
  // The first part is dotted or capitalised: `items/get` is a path.
  return /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\/[A-Za-z_]\w*$/.test(name) && /[.A-Z]/.test(name) ? name : null
}
