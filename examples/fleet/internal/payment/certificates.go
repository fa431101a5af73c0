package payment

import (
	"crypto/tls"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/blindspot/fleet/internal/certificate"
	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
)

const day = 24 * time.Hour

// shown is a certificate and the time at which its manager means to renew it.
type shown struct {
	*tls.Certificate
	renewal time.Time
}

// certificates are the ones that payment can show: a fresh one of a day and two that have grown old.
type certificates struct{ healthy, expiring, stuck shown }

func newCertificates(env *frame.Env) (*certificates, error) {
	now := time.Now()
	c := &certificates{}
	for _, one := range []struct {
		into                     *shown
		age, valid, renewedAtAge time.Duration
	}{
		{&c.healthy, time.Minute, day, 16 * time.Hour},
		// Set up to be renewed on its last day only.
		{&c.expiring, 88 * day, 90 * day, 89 * day},
		// Renewal was due at two thirds of the life, five days ago.
		{&c.stuck, 65 * day, 90 * day, 60 * day},
	} {
		made, err := certificate.Issue(env.Plan.Dir, now.Add(-one.age), now.Add(one.valid-one.age))
		if err != nil {
			return nil, err
		}
		*one.into = shown{made, now.Add(one.renewedAtAge - one.age)}
	}
	c.publish(env.Registry)
	return c, nil
}

func (c *certificates) current() shown {
	switch {
	case fault.CertExpiring.On():
		return c.expiring
	case fault.CertRenewalStuck.On():
		return c.stuck
	}
	return c.healthy
}

// publish tells what cert-manager would tell of the certificate, under its names.
func (c *certificates) publish(registry *prometheus.Registry) {
	gauge := func(name, help string, value func() time.Time) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: name, Help: help, ConstLabels: prometheus.Labels{"name": "payment", "namespace": "fleet"},
		}, func() float64 { return float64(value().Unix()) }))
	}
	gauge("certmanager_certificate_expiration_timestamp_seconds", "When the certificate expires.",
		func() time.Time { return c.current().Leaf.NotAfter })
	gauge("certmanager_certificate_renewal_timestamp_seconds", "When the certificate should be renewed.",
		func() time.Time { return c.current().renewal })
}
