// Package record writes OTLP requests to a file as the Collector's file exporter does in its proto format: each export
// request after its length as four bytes, big-endian; the whole is gzipped.
package record

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"os"
	"sync"
)

// File takes requests from many connections.
type File struct {
	mu       sync.Mutex
	file     *os.File
	buffer   *bufio.Writer
	gzip     *gzip.Writer
	requests int
	bytes    int64
	failed   error
}

// Create opens the file and truncates it.
func Create(path string) (*File, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	f := &File{file: file, buffer: bufio.NewWriter(file)}
	f.gzip, err = gzip.NewWriterLevel(f.buffer, gzip.BestCompression)
	return f, err
}

// Write appends one request.
func (f *File) Write(request []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(request)))
	_, err := f.gzip.Write(length[:])
	if err == nil {
		_, err = f.gzip.Write(request)
	}
	f.failed = err
	f.requests++
	f.bytes += int64(len(request))
	return err
}

// Close ends the file; it says how many requests and uncompressed bytes it holds.
func (f *File) Close() (requests int, bytes int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err = errors.Join(f.failed, f.gzip.Close(), f.buffer.Flush(), f.file.Close())
	f.failed = os.ErrClosed
	return f.requests, f.bytes, err
}
