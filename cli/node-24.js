// Plain JavaScript that any Node can read, for whoever starts the program or a script of the project on an older one.
const MIN_MAJOR = 24

if (Number(process.versions.node.split('.')[0]) < MIN_MAJOR) {
  console.error(
    `blindspot needs Node ${MIN_MAJOR} or newer, and this is ${process.versions.node}: install it from https://nodejs.org, or by your version manager.`,
  )
  process.exit(1)
}
