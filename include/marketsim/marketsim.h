/*
 * Everything at once.
 */
#ifndef MARKETSIM_MARKETSIM_H
#define MARKETSIM_MARKETSIM_H

#include <marketsim/access.h>
#include <marketsim/arrow.h>
#include <marketsim/assets.h>
#include <marketsim/base.h>
#include <marketsim/codec.h>
#include <marketsim/dialer.h>
#include <marketsim/engine.h>
#include <marketsim/engineio.h>
#include <marketsim/faults.h>
#include <marketsim/fetch.h>
#include <marketsim/form.h>
#include <marketsim/http.h>
#include <marketsim/hub.h>
#include <marketsim/impair.h>
#include <marketsim/journal.h>
#include <marketsim/mock.h>
#include <marketsim/net.h>
#include <marketsim/pacer.h>
#include <marketsim/parquet.h>
#include <marketsim/record.h>
#include <marketsim/server.h>
#include <marketsim/socketio.h>
#include <marketsim/source.h>
#include <marketsim/tls.h>
#include <marketsim/venue.h>
#include <marketsim/version.h>

#endif
