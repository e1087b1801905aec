# tls.tcl --
#
#	Endpoints of TLS: spawn client, server and pair. Options are read and
#	contexts made by the code of pyossl::socket; what happens after that is
#	in engine.tcl.

if {[info commands ::pyossl::Parse] eq ""} {
    source -encoding utf-8 [file join $::pyossl::library socket.tcl]
}

namespace eval ::pyossl::expect::tls {
    # What an option has to be about for a client to verify its server.
    variable verifying {
	-cadir -cafile -castore -request -require -validatecommand -verifyhost
    }
}

namespace eval ::pyossl::expect::listener {}

#------------------------------------------------------------------------
# Options and contexts
#------------------------------------------------------------------------

# tls::Options side words own --
#	Reads the options of one side.
# Arguments:
#	side	c or s, as for pyossl::Parse.
#	own	the harness's options that it has.
# Results:
#	A dict of all options; what is left over is an error.
proc ::pyossl::expect::tls::Options {side words own} {
    lassign [::pyossl::expect::SpawnOptions $words $own] mine rest
    set foreign {-errorcommand -maxhandshakes -notify -reuseport}
    try {
	lassign [::pyossl::Parse $side $rest] options left
    } on return {message info} {
	# An error for our caller. To the options of pyossl::socket come our own.
	if {[lrange [dict get $info -errorcode] 0 3] ne "TCL LOOKUP INDEX option"} {
	    return -options $info $message
	}
	set known $own
	foreach name [split [regsub {^.*must be one of} $message {}] " ,"] {
	    if {[string match -* $name] && $name ni $foreign} {
		lappend known $name
	    }
	}
	set known [lsort -unique $known]
	return -code error -level 2 -errorcode [dict get $info -errorcode] \
	    "bad option \"[lindex [dict get $info -errorcode] 4]\": must be one\
	    of [join [lrange $known 0 end-1] {, }], or [lindex $known end]"
    }
    if {[llength $left]} {
	return -code error -level 2 -errorcode {TCL WRONGARGS} \
	    "an option was expected, not \"[lindex $left 0]\""
    }
    foreach name $foreign {
	if {[dict exists $options $name]} {
	    return -code error -level 2 -errorcode \
		[list TCL LOOKUP INDEX option $name] \
		"the option $name is for pyossl::socket only"
	}
    }
    return [dict merge {-handshake auto -encoding binary} $mine $options]
}

# tls::Context side options --
#	The context that options ask for, with callbacks set.
# Results:
#	{ctx owned}
proc ::pyossl::expect::tls::Context {side options} {
    variable verifying
    if {[dict exists $options -model]} {
	set conn [::pyossl::connection [dict get $options -model]]
	return [list [$conn get_context] 0]
    }
    if {$side eq "c"} {
	set asked 0
	foreach name $verifying {
	    if {[dict exists $options $name]} {
		set asked 1
	    }
	}
	if {!$asked} {
	    dict set options -request 0
	    dict set options -require 0
	}
    }
    foreach name {-handshake -encoding -port -keytype} {
	dict unset options $name
    }
    set options [::pyossl::expect::tls::Pem $options]
    set made [::pyossl::Context [expr {$side eq "s"}] 0 $options]
    if {[lindex $made 1]} {
	# A Certificate is what a tester looks for, and changes.
	[lindex $made 0] set_options \
	    {OP_NO_TX_CERTIFICATE_COMPRESSION OP_NO_RX_CERTIFICATE_COMPRESSION}
    }
    if {[dict exists $options -sni]} {
	foreach {- ctx} [dict get $options -sni] {
	    Watch $ctx
	}
    }
    return $made
}

# A certificate where the name of a file is wanted goes into one.
proc ::pyossl::expect::tls::Pem {options} {
    foreach name {-cafile -certfile -keyfile} {
	if {[dict exists $options $name]
		&& [string match "-----BEGIN*" [dict get $options $name]]} {
	    dict set options $name [::pyossl::expect::authority::file \
		[dict get $options $name]]
	}
    }
    return $options
}

# What concerns one connection of a client: the name it asks for, the name it
# verifies, its session.
proc ::pyossl::expect::tls::Names {host options} {
    variable verifying
    set name [string trimright $host .]
    set one [::pyossl::Pick $options {-session -servername}]
    if {[dict exists $options -servername]} {
	set name [dict get $options -servername]
    } elseif {[::pyossl::Flag $options -autoservername 1]} {
	dict set one -servername $name
    }
    if {[dict exists $one -servername]
	    && [regexp {^[0-9.]+$|:} [dict get $one -servername]]} {
	# An address is no server name (RFC 6066, 3).
	dict set one -servername ""
    }
    foreach option $verifying {
	if {[dict exists $options $option]} {
	    dict set one -verifyhost [::pyossl::VerifyHost $options $name]
	}
    }
    return $one
}

#------------------------------------------------------------------------
# Clients
#------------------------------------------------------------------------

proc ::pyossl::expect::tls::SpawnClient {words} {
    # An option where the host should be: that and the port were forgotten.
    if {[llength $words] < 2 || [string match -* [lindex $words 0]]} {
	return -code error -level 2 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be\
	    \"spawn client host port ?-option value ...?\""
    }
    set words [lassign $words host port]
    set options [Options c [Async $words] {-handshake -encoding}]
    lassign [Context c $options] ctx owned
    set id [::pyossl::expect::endpoint::New client \
	::pyossl::expect::tls host $host port $port \
	handshake [dict get $options -handshake] \
	encoding [dict get $options -encoding] options $options]
    try {
	Begin $id client $ctx $owned [Names $host $options]
	::pyossl::expect::transport::Connect $id $host $port $options
	if {![::pyossl::Flag $options -async 0]} {
	    Await $id
	}
    } on error {message info} {
	Abandon $id
	return -options $info $message
    }
    return $id
}

# In pyossl::socket -async stands alone; here it may have a value too.
proc ::pyossl::expect::tls::Async {words} {
    set result {}
    while {[llength $words]} {
	set words [lassign $words word]
	if {$word eq "-async" && [string is boolean -strict [lindex $words 0]]} {
	    set words [lassign $words value]
	    if {!$value} {
		continue
	    }
	    lappend result -async
	} else {
	    lappend result $word
	    if {$word ne "-async" && [llength $words]} {
		set words [lassign $words value]
		lappend result $value
	    }
	}
    }
    return $result
}

# Waits for the TCP connection, as long as the variable timeout says.
proc ::pyossl::expect::tls::Await {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set seconds [::pyossl::expect::ReadVariable timeout 10 3]
    if {![string is double -strict $seconds] || $seconds == 0} {
	set seconds 10
    }
    ::pyossl::expect::Until $id {$e(state) ne "connecting"} $seconds
    if {$e(state) eq "connecting"} {
	return -code error -errorcode {PYOSSL SSL SysCallError 110 ETIMEDOUT} \
	    "cannot connect to $e(host) port $e(port): no answer within\
	    $seconds seconds"
    }
    foreach position $e(queue,error) {
	set event [lindex $e(log) $position]
	if {[info exists e(peer)]} {
	    break
	}
	return -code error -errorcode [dict get $event code] \
	    [dict get $event message]
    }
}

# An endpoint that did not come to be.
proc ::pyossl::expect::tls::Abandon {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    ::pyossl::expect::transport::Close $id
    Release $id
    ::pyossl::expect::endpoint::Closed $id
    ::pyossl::expect::endpoint::forget $id
}

#------------------------------------------------------------------------
# Servers
#------------------------------------------------------------------------

# The options of a server with a certificate, made if none is given, and what
# is to be told of it.
proc ::pyossl::expect::tls::Certified {options} {
    foreach name {-cert -certfile -ctx -model} {
	if {[dict exists $options $name]} {
	    return [list $options {}]
	}
    }
    set type EC
    if {[dict exists $options -keytype]} {
	set type [dict get $options -keytype]
    }
    set issued [::pyossl::expect::authority::issue $type]
    dict set options -cert [dict get $issued certificate]
    dict set options -key [dict get $issued key]
    return [list $options [dict create \
	certificate [dict get $issued certificate] \
	ca [::pyossl::expect::authority::ca] \
	cafile [::pyossl::expect::authority::cafile]]]
}

proc ::pyossl::expect::tls::SpawnServer {words} {
    set options [Options s $words {-port -handshake -encoding -keytype}]
    lassign [Certified $options] options authority
    lassign [Context s $options] ctx owned
    try {
	set id [::pyossl::expect::listener::New server $options \
	    ::pyossl::expect::tls]
    } on error {message info} {
	if {$owned} {
	    $ctx destroy
	}
	return -options $info $message
    }
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    array set e [list ctx $ctx owned $owned options $options \
	authority $authority handshake [dict get $options -handshake]]
    Watch $ctx
    return $id
}

# A new connection of a server.
proc ::pyossl::expect::tls::Accepted {listener id} {
    upvar #0 ::pyossl::expect::endpoint::data::$listener l
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set e(handshake) $l(handshake)
    set e(options) $l(options)
    set e(authority) $l(authority)
    Begin $id server $l(ctx) 0 {}
}

#------------------------------------------------------------------------
# Listening endpoints, of servers and of raw ones
#------------------------------------------------------------------------

# listener::New kind options child --
#	A listening socket.
# Arguments:
#	child	the type of the connections; it has a function Accepted.
# Errors:
#	PYOSSL SSL SysCallError if the port is taken, PYOSSL EXPECT VALUE if it
#	is none
proc ::pyossl::expect::listener::New {kind options child} {
    set options [dict merge {-port 0 -myaddr 127.0.0.1 -encoding binary} \
	$options]
    set id [::pyossl::expect::endpoint::New $kind \
	::pyossl::expect::listener state listening child $child \
	connections 0 encoding [dict get $options -encoding]]
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set address [dict get $options -myaddr]
    set port [dict get $options -port]
    if {[catch {
	::socket -server [list ::pyossl::expect::listener::Accept $id] \
	    {*}[expr {$address eq "" ? {} : [list -myaddr $address]}] $port
    } channel info]} {
	::pyossl::expect::endpoint::Closed $id
	::pyossl::expect::endpoint::forget $id
	::pyossl::expect::transport::NoPort $port $info
	set text [regsub {^couldn't open socket: } $channel {}]
	return -code error -errorcode [::pyossl::expect::transport::Code $text] \
	    "cannot listen on [expr {$address eq "" ? "" : "$address "}]port\
	    $port: $text"
    }
    set e(channel) $channel
    lassign [chan configure $channel -sockname] host - port
    array set e [list host $host port $port local [list $host $port]]
    return $id
}

# A client has come.
proc ::pyossl::expect::listener::Accept {id channel host port} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set ::pyossl::expect::spawnWords [list accept $host $port]
    set new [::pyossl::expect::endpoint::New $e(kind) $e(child) \
	id $id.[incr e(connections)] listener $id host $host port $port \
	encoding $e(encoding)]
    ::pyossl::expect::transport::Socket $new $channel
    $e(child)::Accepted $id $new
    ::pyossl::expect::event::add $id [dict create kind accept accepted $new \
	peer [list $host $port]]
    $e(child)::Connected $new
}

# exp_close of a listening endpoint: with it go the connections that nobody
# has heard of.
proc ::pyossl::expect::listener::Close {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    close $e(channel)
    unset e(channel)
    foreach position $e(queue,accept) {
	set new [dict get [lindex $e(log) $position] accepted]
	if {$new in [::pyossl::expect::endpoint::ids]} {
	    ::pyossl::expect::Close $new
	}
    }
    if {[info exists e(ctx)] && $e(owned)} {
	$e(ctx) destroy
	unset e(ctx)
    }
}

proc ::pyossl::expect::listener::Facts {id key} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set facts [dict create connections $e(connections)]
    foreach name {channel ctx} {
	if {[info exists e($name)]} {
	    dict set facts $name $e($name)
	}
    }
    if {[info exists e(authority)]} {
	set facts [dict merge $facts $e(authority)]
    }
    return $facts
}

#------------------------------------------------------------------------
# Pairs
#------------------------------------------------------------------------

proc ::pyossl::expect::tls::SpawnPair {words} {
    set sides [dict create -client {} -server {}]
    if {[llength $words] % 2} {
	return -code error -level 2 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be\
	    \"spawn pair ?-client options? ?-server options?\""
    }
    foreach {name value} $words {
	if {![dict exists $sides $name]} {
	    return -code error -level 2 -errorcode \
		[list TCL LOOKUP INDEX option $name] \
		"bad option \"$name\": must be -client or -server"
	}
	dict set sides $name $value
    }
    set clientOptions [Options c [Async [dict get $sides -client]] \
	{-handshake -encoding}]
    set serverOptions [Options s [dict get $sides -server] \
	{-handshake -encoding -keytype}]
    lassign [Certified $serverOptions] serverOptions authority
    set ids {}
    try {
	foreach {role side options} [list client c $clientOptions \
		server s $serverOptions] {
	    lassign [Context $side $options] ctx owned
	    set id [::pyossl::expect::endpoint::New $role \
		::pyossl::expect::tls host localhost link none \
		handshake [dict get $options -handshake] \
		encoding [dict get $options -encoding] options $options]
	    lappend ids $id
	    Begin $id $role $ctx $owned [expr {$role eq "client"
		? [Names localhost $options] : {}}]
	}
    } on error {message info} {
	foreach id $ids {
	    Abandon $id
	}
	return -options $info $message
    }
    lassign $ids client server
    ::pyossl::expect::transport::Join $client $server
    ::pyossl::expect::endpoint::set $server authority $authority
    # The server first, so that it is ready for the client's hello.
    Connected $server
    Connected $client
    return $ids
}
