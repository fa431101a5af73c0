package frame

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"os"

	"example.com/blindspot/fleet/internal/fault"
)

// Report is what a process says of itself on GET /faults.
type Report struct {
	Instance string           `json:"instance"`
	PID      int              `json:"pid"`
	On       []string         `json:"on"`
	Strikes  map[string]int64 `json:"strikes"`
}

// adminHandler answers GET /faults and /debug/pprof/*, and switches faults:
//
//	curl -X POST 'http://127.0.0.1:8525/faults/gogc_off?on=true'
func adminHandler(env *Env) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		report := Report{Instance: env.Instance, PID: os.Getpid(), On: []string{}, Strikes: map[string]int64{}}
		for _, f := range fault.All() {
			if f.On() {
				report.On = append(report.On, f.Name)
			}
			if n := f.Strikes(); n > 0 {
				report.Strikes[f.Name] = n
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(report)
	})
	mux.HandleFunc("POST /faults/{name}", func(w http.ResponseWriter, r *http.Request) {
		f, err := fault.Find(r.PathValue("name"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		f.Set(r.FormValue("on") == "true", r.FormValue("value"))
	})
	mux.HandleFunc("POST /crash", func(http.ResponseWriter, *http.Request) {
		// In a goroutine: net/http would catch a panic of the handler.
		go panic("crash_without_flush: this process was asked to crash")
	})
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	return mux
}
