# engine.tcl --
#
#	A TLS connection between the script and the transport: OpenSSL over
#	memory, with every record passing through Tcl.
#
#	    Data ----> outq --> sendall         recv --> Received (unread)
#	                          |                ^
#	                     conn over memory: do_handshake, callbacks
#	                          |                ^
#	                      bio_read          bio_write
#	                          |                ^
#	                      records, filters, records  --> event log
#	                          |                ^
#	                      transport         transport
#
#	OpenSSL tells each message by its callback, before its records can be
#	read from the memory. So the events of one step are collected: where
#	OpenSSL has made a record stands a place for it, and once the step is
#	done the records are put into these places. What comes in (input.tcl) goes
#	to OpenSSL record by record, behind the event of its record. That is how
#	the order of the log is that of the wire.
#
#	An endpoint has, besides what endpoint.tcl says,
#	    conn ctx owned	the connection, its context, whether it is ours
#	    role		client or server
#	    input output	bytes that are no whole record yet
#	    fed		how many bytes of input the engine has nonetheless
#	    skip	bytes to come of a record that is done with already
#	    wire		bytes of this step for the transport
#	    outq		plaintext that waits for the handshake
#	    events		the events of the step under way
#	    number,in number,out	the records so far

namespace eval ::pyossl::expect::tls {
    variable byConn	;# conn -> id
    # Is the end of a connection that has failed that of its peer? Only those
    # who test when a peer closes want to wait for it.
    variable patient 0
    array set byConn {}
}

#------------------------------------------------------------------------
# Birth and end
#------------------------------------------------------------------------

# tls::Begin id role ctx owned options --
#	Makes the connection of an endpoint; TLS begins with Start.
# Arguments:
#	options	what concerns one connection: -servername -verifyhost -session
proc ::pyossl::expect::tls::Begin {id role ctx owned options} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    array set e [list role $role ctx $ctx owned $owned input "" output "" \
	fed 0 skip 0 wire "" outq {} events {} driving 0 again 0 scheduled 0 \
	number,in 0 number,out 0 filters,in {} filters,out {} guards,in {} guards,out {} \
	secrets {} facts {}]
    Watch $ctx
    set e(conn) [::pyossl::conn new $ctx]
    Own $id $e(conn)
    if {$role eq "client"} {
	$e(conn) set_connect_state
    } else {
	$e(conn) set_accept_state
    }
    foreach {name method} {
	-servername set_tlsext_host_name -verifyhost set_verify_host
	-session set_session
    } {
	if {[dict exists $options $name] && [dict get $options $name] ne ""} {
	    $e(conn) $method [dict get $options $name]
	}
    }
}

# A connection belongs to an endpoint from now on.
proc ::pyossl::expect::tls::Own {id conn} {
    variable byConn
    set byConn($conn) $id
    # The script can get at it, and end it behind the endpoint's back.
    trace add command $conn delete [list ::pyossl::expect::tls::Destroyed $id]
}

# It is gone, if by the script's own hand: nothing can be sent any more, and
# whoever waits for the end has it.
proc ::pyossl::expect::tls::Destroyed {id conn args} {
    variable byConn
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    # A channel that is closed takes its connection along.
    if {![info exists byConn($conn)] || [info exists e(closing)]} {
	return
    }
    unset byConn($conn)
    foreach timer {timer starting} {
	if {[info exists e($timer)]} {
	    after cancel $e($timer)
	    unset e($timer)
	}
    }
    unset e(conn)
    Failed $id "the connection of $id was destroyed" \
	{PYOSSL EXPECT STATE destroyed}
    if {$e(type) eq "::pyossl::expect::tls"} {
	Commit $id
    } else {
	foreach event {readable writable} {
	    catch {chan event $e(channel) $event {}}
	}
	::pyossl::expect::conn::Commit $id
    }
    Ended $id truncated
}

# Has a context tell its messages and secrets.
proc ::pyossl::expect::tls::Watch {ctx} {
    $ctx set_msg_callback ::pyossl::expect::tls::Message
    $ctx set_keylog_callback ::pyossl::expect::tls::Secret
}

# tls::Start id -- TLS begins.
proc ::pyossl::expect::tls::Start {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    unset -nocomplain e(starting)
    set e(state) handshaking
    if {[dict exists $e(options) -handshaketimeout]} {
	set e(timer) [after [dict get $e(options) -handshaketimeout] \
	    [list ::pyossl::expect::tls::Late $id]]
    }
    Drive $id
}

# The handshake has taken longer than -handshaketimeout.
proc ::pyossl::expect::tls::Late {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    unset e(timer)
    if {$e(state) eq "handshaking"} {
	Failed $id "the TLS handshake took too long" \
	    {PYOSSL SSL SysCallError 110 ETIMEDOUT}
	Commit $id
	::pyossl::expect::transport::Finish $id
    }
}

# tls::Settle id seconds --
#	Before exp_close: what send was given before the handshake was done is not
#	lost, so the handshake is waited for. The limit is there for peers that
#	say nothing.
proc ::pyossl::expect::tls::Settle {id seconds} {
    if {![Unsaid $id]} {
	return
    }
    if {![string is double -strict $seconds] || $seconds < 0 || $seconds > 10} {
	set seconds 10
    }
    if {![::pyossl::expect::Until [list $id] {![Unsaid $id]} $seconds]} {
	Error $id "closed before the handshake was done: what was to be sent\
	    after it is lost" \
	    [::pyossl::expect::transport::Code "connection timed out"]
    }
}

# Does an endpoint have text that waits for a handshake which can still be done?
proc ::pyossl::expect::tls::Unsaid {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    return [expr {[info exists e(open)] && $e(open) && !$e(eof)
	&& ![info exists e(closing)] && ![info exists e(finished)]
	&& [llength $e(outq)]
	&& $e(state) in {connecting handshaking}}]
}

# tls::Close id -- exp_close: close_notify where TLS is at work, then the end.
proc ::pyossl::expect::tls::Close {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(state) eq "established" && ![info exists e(finished)]} {
	catch {Shutdown $id}
    }
    ::pyossl::expect::filter::End $id out
    if {![info exists e(finished)]} {
	::pyossl::expect::event::add $id [dict create kind closed from self \
	    how [::pyossl::expect::Ending $id]]
    }
    ::pyossl::expect::transport::Close $id
    ::pyossl::expect::filter::Forget $id
    Release $id
}

# Lets go of the connection and its context, when what is known of it is
# noted.
proc ::pyossl::expect::tls::Release {id} {
    variable byConn
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    foreach timer {timer starting} {
	if {[info exists e($timer)]} {
	    after cancel $e($timer)
	    unset e($timer)
	}
    }
    if {[info exists e(conn)]} {
	catch {set e(facts) [Status $id]}
	unset -nocomplain byConn($e(conn))
	# That of a channel which is closed already is gone with it.
	catch {$e(conn) destroy}
	unset e(conn)
    }
    if {[info exists e(ctx)]} {
	if {$e(owned)} {
	    catch {$e(ctx) destroy}
	}
	unset e(ctx)
    }
}

proc ::pyossl::expect::tls::Connected {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(handshake) eq "manual"} {
	set e(state) plain
	foreach bytes $e(outq) {
	    Clear $id $bytes
	}
	set e(outq) {}
    } else {
	# Not at once: the script may want to put filters on the wire first.
	set e(state) handshaking
	set e(starting) [after 0 [list ::pyossl::expect::tls::Start $id]]
    }
    ::pyossl::expect::Notify $id
}

proc ::pyossl::expect::tls::Unconnected {id message code} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set e(state) failed
    set e(finished) reset
    ::pyossl::expect::event::add $id \
	[dict create kind error code $code message $message]
    Ended $id reset
}

#------------------------------------------------------------------------
# The engine at work
#------------------------------------------------------------------------

# tls::Drive id --
#	Lets OpenSSL do what it can, and sends what it has made of that.
proc ::pyossl::expect::tls::Drive {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(driving)} {
	set e(again) 1
	return
    }
    set e(driving) 1
    try {
	while {[info exists e(conn)]} {
	    set e(again) 0
	    Step $id
	    Commit $id
	    if {!$e(again)} {
		break
	    }
	}
    } finally {
	set e(driving) 0
    }
}

# One step: the handshake, else what is to be sent and what can be read.
proc ::pyossl::expect::tls::Step {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    try {
	if {$e(state) eq "handshaking"} {
	    $e(conn) do_handshake
	    Established $id
	}
	if {$e(state) ne "established"} {
	    return
	}
	foreach bytes $e(outq) {
	    lappend e(events) [dict create kind data from self bytes $bytes]
	    $e(conn) sendall $bytes
	}
	set e(outq) {}
	while {1} {
	    lappend e(events) [dict create kind data from peer \
		bytes [$e(conn) recv 16384]]
	}
    } trap {PYOSSL SSL WantReadError} {} {
    } trap {PYOSSL SSL ZeroReturnError} {} {
	if {!$e(eof) && ![info exists e(ending)]} {
	    set e(ending) 1
	    lappend e(events) [dict create kind closed from peer how clean]
	}
    } trap {PYOSSL SSL} {message info} {
	Failed $id $message [dict get $info -errorcode]
    } on error {message info} {
	# A callback may have destroyed it.
	if {[info exists e(conn)]} {
	    return -options $info $message
	}
    }
}

# The handshake is done.
proc ::pyossl::expect::tls::Established {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set e(state) established
    if {[info exists e(timer)]} {
	after cancel $e(timer)
	unset e(timer)
    }
    set status [$e(conn) status]
    lappend e(events) [dict create kind established \
	protocol [dict get $status protocol] cipher [dict get $status cipher]]
}

# The connection has failed; its last records, an alert perhaps, still go out.
proc ::pyossl::expect::tls::Failed {id message code} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set e(state) failed
    set e(outq) {}
    set e(failure) [list $message $code]
    # The record that was refused for its head, or an alert that the engine has
    # not told, comes before what came of it.
    if {[info exists e(fed)] && $e(fed) > 0} {
	set e(events) [linsert $e(events) 0 [Unfinished $id]]
    } elseif {[info exists e(unheard)]} {
	set e(events) [linsert $e(events) 0 $e(unheard)]
    }
    lappend e(events) [dict create kind error code $code message $message]
}

# Puts the records that were made into their places, sends them, and enters
# the events into the log.
proc ::pyossl::expect::tls::Commit {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(conn)]} {
	catch {
	    while {1} {
		append e(output) [$e(conn) bio_read 1048576]
	    }
	}
    }
    set records [::pyossl::expect::record::split e(output)]
    set events $e(events)
    set e(events) {}
    foreach event $events {
	switch -- [dict get $event kind] {
	    place {
		if {[llength $records]} {
		    set records [lassign $records record]
		    if {[dict exists $event inner]} {
			dict set record inner [dict get $event inner]
		    }
		    Out $id $record
		}
	    }
	    data {
		if {[dict get $event from] eq "self"} {
		    ::pyossl::expect::event::add $id $event
		} else {
		    ::pyossl::expect::Received $id [dict get $event bytes]
		}
	    }
	    closed {
		Ended $id [dict get $event how]
	    }
	    default {
		::pyossl::expect::event::add $id $event
	    }
	}
    }
    foreach record $records {
	Out $id $record
    }
    ::pyossl::expect::FilterFlush $id out
    Flush $id
    if {[info exists e(cut,out)] || $e(state) eq "failed"} {
	::pyossl::expect::filter::End $id out
	::pyossl::expect::transport::Finish $id
    }
    variable patient
    if {$e(state) eq "failed" && !$patient} {
	# No more can come of it, even if the peer leaves its transport open.
	Ended $id [expr {$e(finished) eq "reset" ? "reset" : "truncated"}]
    }
}

# A record that the engine has made goes through the filters and out.
proc ::pyossl::expect::tls::Out {id record} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    dict set record number [incr e(number,out)]
    if {![Filtered $id out]} {
	Wire $id $record
	return
    }
    foreach passed [Filter $id out $record] {
	Wire $id $passed
    }
}

# A record goes out on the wire as it is.
proc ::pyossl::expect::tls::Wire {id record} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(finished)]} {
	return
    }
    ::pyossl::expect::event::add $id \
	[dict merge [dict create kind record from self number 0] $record]
    Ccs $id self $record
    append e(wire) [::pyossl::expect::record::bytes $record]
}

# The event of a ChangeCipherSpec, which is all there is in its record.
proc ::pyossl::expect::tls::Ccs {id from record} {
    if {[dict get $record type] eq "change_cipher_spec"} {
	::pyossl::expect::event::add $id [dict create kind ccs from $from]
    }
}

# What has collected in a step goes to the transport, in one piece.
proc ::pyossl::expect::tls::Flush {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set bytes $e(wire)
    set e(wire) ""
    # To compare them would make text of them, and every copy of that is dear.
    if {[string length $bytes]} {
	::pyossl::expect::transport::Write $id $bytes
    }
}

# Is there anything that the records of a direction go through?
proc ::pyossl::expect::tls::Filtered {id direction} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    return [expr {[llength $e(filters,$direction)]
	|| [info exists e(protect,$direction)]}]
}

# A record through the filters of a direction.
proc ::pyossl::expect::tls::Filter {id direction record} {
    if {![Filtered $id $direction]} {
	return [list $record]
    }
    return [::pyossl::expect::FilterRun $id $direction $record]
}

#------------------------------------------------------------------------
# What OpenSSL tells
#------------------------------------------------------------------------

# The message callback: an event, or a place for a record.
proc ::pyossl::expect::tls::Message {conn direction version type bytes} {
    variable byConn
    if {![info exists byConn($conn)]} {
	return
    }
    set id $byConn($conn)
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set from [expr {$direction eq "in" ? "peer" : "self"}]
    switch -- $type {
	22 {
	    lappend e(events) [MessageEvent $from $version $bytes]
	}
	21 {
	    if {$from eq "peer"} {
		unset -nocomplain e(unheard)
	    }
	    lappend e(events) [AlertEvent $from $version $bytes]
	}
	20 {
	    # OpenSSL does not tell all of them; see Ccs.
	    if {$e(type) eq "::pyossl::expect::conn"} {
		lappend e(events) [dict create kind ccs from $from]
	    }
	}
	256 {
	    if {$e(type) eq "::pyossl::expect::conn"} {
		::pyossl::expect::conn::Head $id $from $bytes
	    } elseif {$from eq "self"} {
		lappend e(events) [dict create kind place]
	    }
	}
	257 {
	    if {$from eq "self" && [llength $e(events)]
		    && [dict get [lindex $e(events) end] kind] eq "place"} {
		binary scan $bytes cu inner
		set place [lindex $e(events) end]
		dict set place inner \
		    [::pyossl::expect::names::name content_type $inner]
		lset e(events) end $place
	    }
	}
    }
    if {!$e(driving) && !$e(scheduled)} {
	# Somebody works on the conn by hand.
	set e(scheduled) 1
	after 0 [list ::pyossl::expect::tls::Catchup $id]
    }
}

# Sends what was made outside of Drive.
proc ::pyossl::expect::tls::Catchup {id} {
    if {[::pyossl::expect::endpoint::exists $id]} {
	upvar #0 ::pyossl::expect::endpoint::data::$id e
	set e(scheduled) 0
	if {$e(type) eq "::pyossl::expect::conn"} {
	    ::pyossl::expect::conn::Commit $id
	} elseif {[info exists e(conn)]} {
	    if {$e(state) eq "plain"} {
		set e(state) handshaking
	    }
	    Drive $id
	}
    }
}

# The event of a handshake message.
proc ::pyossl::expect::tls::MessageEvent {from version bytes} {
    binary scan $bytes cu type
    return [dict create kind message from $from \
	name [::pyossl::expect::message::nameOf $bytes] type $type \
	version [::pyossl::expect::names::name version $version] raw $bytes]
}

# The event of an alert.
proc ::pyossl::expect::tls::AlertEvent {from version bytes} {
    set level 0
    set description 0
    binary scan $bytes cucu level description
    return [dict create kind alert from $from \
	level [::pyossl::expect::names::name alert_level $level] \
	description [::pyossl::expect::names::name alert $description] \
	version [::pyossl::expect::names::name version $version] raw $bytes]
}

# The key log callback.
proc ::pyossl::expect::tls::Secret {conn line} {
    variable byConn
    if {[info exists byConn($conn)]} {
	upvar #0 ::pyossl::expect::endpoint::data::$byConn($conn) e
	lappend e(events) [dict create kind secret line $line]
	# Those who protect records cannot wait for the log.
	lappend e(secrets) $line
    }
}

#------------------------------------------------------------------------
# From the script
#------------------------------------------------------------------------

# send DATA; before the end of the handshake it waits.
proc ::pyossl::expect::tls::Data {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    Writable $id
    switch -- $e(state) {
	plain {
	    Clear $id $bytes
	}
	default {
	    lappend e(outq) $bytes
	    if {$e(state) eq "established"} {
		Drive $id
	    }
	}
    }
}

# Text before TLS has begun.
proc ::pyossl::expect::tls::Clear {id bytes} {
    ::pyossl::expect::event::add $id \
	[dict create kind data from self bytes $bytes wire 1]
    ::pyossl::expect::transport::Write $id $bytes
}

# An error unless something can still be sent.
proc ::pyossl::expect::tls::Writable {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(failure)]} {
	lassign $e(failure) message code
	return -code error -level 2 -errorcode $code $message
    }
    # Where a filter has cut the wire, the engine does not know.
    if {[info exists e(notified)] || ([info exists e(finished)]
	    && ![info exists e(cut,out)])} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT NOTOPEN $id] \
	    "send: spawn id $id not open: its output has ended"
    }
}

# send -shutdown: close_notify.
proc ::pyossl::expect::tls::Shutdown {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(state) ne "established"} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT STATE $e(state)] \
	    "close_notify needs an established connection;\
	    $id is $e(state): use send -alert warning close_notify"
    }
    Writable $id
    set e(notified) 1
    $e(conn) shutdown
    Drive $id
}

# Bytes past the engine: send -record, -alert, -bytes.
proc ::pyossl::expect::tls::Inject {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(finished)]} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT NOTOPEN $id] \
	    "send: spawn id $id not open: its output has ended"
    }
    ::pyossl::expect::transport::Write $id $bytes
}

# handshake ?-i id? --
#	Begins TLS on an endpoint that was spawned with -handshake manual.
# Results:
#	Empty; expect -established waits for it.
# Errors:
#	PYOSSL EXPECT STATE if TLS has begun or the endpoint has no TLS.
proc ::pyossl::expect::handshake {args} {
    set id [TakeId args "handshake ?-i id?"]
    if {[llength $args]} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"handshake ?-i id?\""
    }
    endpoint::Check $id 1
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(state) ne "plain"} {
	return -code error -errorcode [list PYOSSL EXPECT STATE $e(state)] \
	    "no TLS can begin on $id, which is $e(state)"
    }
    tls::Start $id
}

#------------------------------------------------------------------------
# What is known
#------------------------------------------------------------------------

proc ::pyossl::expect::tls::Facts {id key} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set facts {}
    foreach name {conn channel} {
	if {[info exists e($name)]} {
	    dict set facts $name $e($name)
	}
    }
    if {[info exists e(conn)]} {
	set facts [dict merge $facts [Status $id]]
    } else {
	set facts [dict merge $facts $e(facts)]
    }
    if {$key ne "session"} {
	# It is secret, and told only to those who ask for it.
	dict unset facts session
    }
    if {[info exists e(authority)]} {
	set facts [dict merge $facts $e(authority)]
    }
    if {[info exists e(failure)]} {
	dict set facts error [lindex $e(failure) 0]
    }
    return $facts
}

# The status of the connection, once there is one.
proc ::pyossl::expect::tls::Status {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set status [$e(conn) status]
    if {[dict get $status serial] eq "" && [dict get $status verifycode] == 0} {
	# There was no certificate, or is none yet, and nothing to say of it.
	dict set status verification {}
	dict set status verifycode {}
    }
    foreach name {client_random server_random} {
	dict set status $name [$e(conn) $name]
    }
    dict set status session [$e(conn) get_session]
    return $status
}
