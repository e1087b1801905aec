# 30words.tcl --
#
#	Words for the conversations behind the keys: an endpoint with an engine,
#	whose messages are altered, accompanied or replaced before they are
#	encrypted.
#
#	    keyed		a handshake to its end, in the version of the
#				conversation
#	    with		one in which something stands before, behind or
#				instead of one of our messages
#	    altering		one in which a message of ours is another
#	    alive over		the peer goes on; it is at its end

# The options with which an engine speaks the conversation's version alone, and
# suites whose records can be made.
proc script::Only {} {
    variable now
    if {$now(version) eq "TLSv1.3"} {
	return {-tls1.2 0}
    }
    return {-tls1.3 0 -cipher ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:AESGCM}
}

# keyed ?-option value ...? -- established, in the conversation's version.
proc script::keyed {args} {
    upvar 1 spawn_id spawn_id
    established {*}$args {*}[Only]
}

# with before|behind|instead name records ?-option value ...? --
#	Begins a handshake in which records of ours stand at one of our messages.
# Arguments:
#	records	a list of {type bytes}; they are encrypted if the message is. A
#		third word, 0, has one in the clear.
proc script::with {place name records args} {
    upvar 1 spawn_id spawn_id
    set filter [list ::pyossl::expect::conversation::script::Placed $place \
	$name [lmap record $records {
	    lassign $record type bytes protected
	    set one [dict create type $type version TLSv1.2 fragment $bytes]
	    if {$protected ne ""} {
		dict set one protected $protected
	    }
	    set one
	}]]
    established -wait 0 -script [format {
	wire $spawn_id out -protected 1 %s
    } [list $filter]] {*}$args {*}[Only]
}

# Is that the record of a message?
proc script::IsMessage {record name} {
    return [expr {[dict get $record type] eq "handshake"
	&& [dict get $record number] > 0
	&& [::pyossl::expect::message::nameOf [dict get $record fragment]]
	eq $name}]
}

# The filter of with.
proc script::Placed {place name records record} {
    if {![IsMessage $record $name]} {
	return [list $record]
    }
    switch -- $place {
	before { return [concat $records [list $record]] }
	behind { return [concat [list $record] $records] }
	instead { return $records }
    }
}

# altering name body ?-option value ...? --
#	Begins a handshake in which one of our messages is what the body, an
#	expression of the variable bytes, makes of it.
proc script::altering {name body args} {
    upvar 1 spawn_id spawn_id
    set filter [list ::pyossl::expect::conversation::script::Altered \
	$name $body]
    established -wait 0 -script [format {
	wire $spawn_id out -protected 1 %s
    } [list $filter]] {*}$args {*}[Only]
}

# The filter of altering.
proc script::Altered {name body record} {
    if {[IsMessage $record $name]} {
	dict set record fragment \
	    [apply [list bytes $body ::pyossl::expect::conversation::script] \
	    [dict get $record fragment]]
    }
    return [list $record]
}

# A message with one byte of its bytes flipped, and one with other contents.
proc script::flip {bytes at {mask 1}} {
    scan [string index $bytes $at] %c code
    return [string replace $bytes $at $at [format %c [expr {$code ^ $mask}]]]
}
proc script::content {bytes content} {
    return [string index $bytes 0][string range [binary format Iu \
	[string length $content]] 1 3]$content
}

# alive -- the peer is still there: it takes data, and answers or ends well.
proc script::alive {} {
    variable now
    upvar 1 spawn_id id
    if {[dict get $now(settings) side] eq "server"} {
	send -i $id "GET / HTTP/1.0\r\n\r\n"
	expect -i $id -timeout [Patience] -alert fatal * -from peer {
	    fail "the alert [lindex $expect_out(alert) 1] came: it was to go on"
	} -re .+ {
	    return
	} -error * {
	    fail "it is over ($expect_out(error)): it was to go on"
	} -closed * {
	    fail "it closed ($expect_out(closed)): it was to go on"
	} timeout {
	    fail "no answer to data"
	}
    }
    send -i $id "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"
    send -i $id -shutdown
    expect -i $id -timeout [Patience] -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came: it was to go on"
    } -closed reset {
	fail "it reset the connection: it was to go on"
    } -closed * {
    } timeout {
	fail "the connection stays open"
    }
}

# over -- the peer ends the connection, and sends no data before it does.
proc script::over {} {
    upvar 1 spawn_id id
    expect -i $id -timeout [Patience] -re .+ {
	fail "it went on with data: the end was expected"
    } -closed * {
	return $expect_out(closed)
    } timeout {
	fail "the connection stays open"
    }
}
