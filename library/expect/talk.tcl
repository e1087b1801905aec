# talk.tcl --
#
#	The words in which conversations are written, in a namespace that has
#	the harness's commands in its path. A script runs with these variables:
#
#	    version	the version it is held in, such as TLSv1.2
#	    timeout	how long to wait for each answer
#	    spawn_id	the endpoint; set by dial, greet, called and established
#	    now		what is known; see below
#	    suites13, suites12, suites10, schemes, point: see below, too
#
#	A server under test:	dial, hello, greet, answered, flight, established
#	A client under test:	called, tell, established
#	Either:			refused, breaks, either, closes, quiet,
#				extension, lacks
#
#	Those for clients are in talkback.tcl. The endpoint is a raw one but for that of established, which has an
#	engine and gets as far as the handshake.

namespace eval ::pyossl::expect::conversation::script {
    namespace path {::pyossl::expect ::pyossl::expect::conversation}

    # What is known while a conversation runs: settings, version, hello (the
    # client's, decoded), random (of the ServerHello), suite, group, program.
    variable now
    array set now {}

    # Suites for each version, and for all of them together.
    variable suites13 {
	TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384
	TLS_CHACHA20_POLY1305_SHA256
    }
    variable suites12 {
	TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
	TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
	TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
	TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
	TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
	TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
	TLS_RSA_WITH_AES_128_GCM_SHA256
	TLS_RSA_WITH_AES_128_CBC_SHA
    }
    variable suites10 {
	TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
	TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
	TLS_RSA_WITH_AES_128_CBC_SHA
    }
    variable schemes {
	ecdsa_secp256r1_sha256 rsa_pss_rsae_sha256 rsa_pkcs1_sha256
	ecdsa_secp384r1_sha384 rsa_pss_rsae_sha384 rsa_pkcs1_sha384
	ed25519 rsa_pss_rsae_sha512 rsa_pkcs1_sha512 ecdsa_sha1 rsa_pkcs1_sha1
    }
    # The generator of secp256r1 (SEC 2, 2.4.2): a point that is on the curve.
    variable point [binary decode hex [join {04
	6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296
	4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5
    } {}]]
}

#------------------------------------------------------------------------
# Running
#------------------------------------------------------------------------

# script::Perform row settings --
#	Runs a conversation's script, inside of a check.
proc ::pyossl::expect::conversation::script::Perform {row settings} {
    variable now
    array unset now
    set now(settings) $settings
    set now(version) [Version [dict get $row versions] \
	[dict get $settings -versions] [dict get $settings side]]
    # In the same line, so that the script's lines keep their numbers.
    set body "[concat {*}[lmap name {now point schemes suites10 suites12
	suites13} {string cat "variable $name;"}]] [dict get $row script]"
    # Whether the peer closes what has failed is part of what is tested.
    set patient $::pyossl::expect::tls::patient
    set ::pyossl::expect::tls::patient 1
    try {
	return [apply [list {version timeout} $body \
	    ::pyossl::expect::conversation::script] $now(version) \
	    [dict get $settings -timeout]]
    } finally {
	set ::pyossl::expect::tls::patient $patient
    }
}

# The version that a conversation is held in.
proc ::pyossl::expect::conversation::script::Version {wanted spoken side} {
    if {[llength $wanted] == 0} {
	return [expr {[llength $spoken] ? [lindex $spoken 0] : "TLSv1.2"}]
    }
    foreach version $wanted {
	if {$version in $spoken} {
	    return $version
	}
    }
    variable now
    if {![llength $spoken] && [dict get $now(settings) trouble] ne ""} {
	fail [dict get $now(settings) trouble]
    }
    skip "the $side speaks [expr {[llength $spoken] ? [join $spoken {, }]
	: "no version that is known"}], not [join $wanted { or }]"
}

# script::spoken settings --
#	Finds out which versions a peer speaks.
# Results:
#	A list, the highest first. The variable trouble says why there was no
#	connection, if there was none.
proc ::pyossl::expect::conversation::script::spoken {settings} {
    variable now
    array unset now
    set now(settings) $settings
    set now(version) TLSv1.2
    set before [::pyossl::expect::endpoint::ids]
    variable trouble ""
    set spoken {}
    set old [::pyossl::expect::log_user -info]
    log_user 0
    # To fail here is an answer, not the end of a check around this.
    ::pyossl::expect::Load check.tcl
    set noted $::pyossl::expect::check::noted
    try {
	if {[dict get $settings side] eq "server"} {
	    foreach version {TLSv1.3 TLSv1.2 TLSv1.1 TLSv1} {
		unset -nocomplain spawn_id
		if {[catch {
		    greet -version $version
		    Chosen [answered]
		} chosen info]} {
		    if {[lrange [dict get $info -errorcode] 0 2]
			    eq "PYOSSL SSL SysCallError"} {
			set trouble $chosen
		    }
		} elseif {$chosen eq $version} {
		    lappend spoken $version
		}
		Tidy $before
	    }
	} elseif {![catch {called} hello]} {
	    set spoken [Offered $hello]
	}
    } finally {
	set ::pyossl::expect::check::noted $noted
	Tidy $before
	log_user $old
    }
    return $spoken
}

# Closes all but those.
proc ::pyossl::expect::conversation::script::Tidy {before} {
    foreach id [lreverse [::pyossl::expect::endpoint::ids]] {
	if {$id ni $before} {
	    catch {exp_close -i $id}
	}
    }
}

# The version that a ServerHello chooses.
proc ::pyossl::expect::conversation::script::Chosen {message} {
    set extension [extension $message supported_versions]
    if {[dict exists $extension selected_version]} {
	return [dict get $extension selected_version]
    }
    return [dict get $message legacy_version]
}

# The versions that a ClientHello offers, and that have a name.
proc ::pyossl::expect::conversation::script::Offered {hello} {
    set extension [extension $hello supported_versions]
    set versions [expr {[dict exists $extension versions]
	? [dict get $extension versions]
	: [list [dict get $hello legacy_version]]}]
    return [lmap version {TLSv1.3 TLSv1.2 TLSv1.1 TLSv1} {
	if {$version ni $versions} continue
	set version
    }]
}

# How long to wait.
proc ::pyossl::expect::conversation::script::Patience {} {
    variable now
    return [dict get $now(settings) -timeout]
}

# extension message name --
#	An extension of a decoded message as a dict; empty if it is not there.
proc ::pyossl::expect::conversation::script::extension {message name} {
    set code [::pyossl::expect::names::code extension $name]
    foreach extension [dict get $message extensions] {
	if {[::pyossl::expect::names::code extension \
		[dict get $extension extension_type]] == $code} {
	    return $extension
	}
    }
    return {}
}

#------------------------------------------------------------------------
# To a server
#------------------------------------------------------------------------

# dial ?-option value ...? --
#	A raw connection to the server under test; options as of spawn raw.
proc ::pyossl::expect::conversation::script::dial {args} {
    variable now
    upvar 1 spawn_id spawn_id
    lassign [dict get $now(settings) -server] host port
    spawn -noecho raw $host $port {*}$args
    return $spawn_id
}

# hello ?-version V? ?-drop names? ?-add extensions? ?-first extensions?
#	?field value ...? --
#	A ClientHello that a server of the version answers, as a dict.
# Arguments:
#	-version	TLSv1.3, TLSv1.2 ..., or any: 1.2 and 1.3. By default the
#		conversation's.
#	-drop	the extensions that are left out
#	-add, -first	extensions that stand behind or before the others
#	field	of the message, see the codec
proc ::pyossl::expect::conversation::script::hello {args} {
    variable now
    variable suites13
    variable suites12
    variable suites10
    set options [dict create -version $now(version) -drop {} -add {} -first {}]
    while {[dict exists $options [lindex $args 0]]} {
	set args [lassign $args option value]
	dict set options $option $value
    }
    set version [dict get $options -version]
    set suites [dict get [list TLSv1.3 $suites13 TLSv1.2 $suites12 any \
	[concat $suites13 $suites12] TLSv1.1 $suites10 TLSv1 $suites10 \
	SSLv3 $suites10] $version]
    if {$version ne "TLSv1.3"} {
	lappend suites TLS_EMPTY_RENEGOTIATION_INFO_SCSV
    }
    set fields [dict create legacy_version [expr {$version in {TLSv1.3 any}
	? "TLSv1.2" : $version}] cipher_suites $suites]
    if {$version in {TLSv1.3 any}} {
	dict set fields legacy_session_id [::pyossl::rand bytes 32]
    }
    set drop [lmap name [dict get $options -drop] {
	::pyossl::expect::names::code extension $name
    }]
    foreach extension [Extensions $version] {
	if {[::pyossl::expect::names::code extension \
		[dict get $extension extension_type]] ni $drop} {
	    lappend extensions $extension
	}
    }
    dict set fields extensions [concat [dict get $options -first] \
	$extensions [dict get $options -add]]
    return [dict merge $fields $args]
}

# The extensions of a ClientHello for a version.
proc ::pyossl::expect::conversation::script::Extensions {version} {
    variable now
    variable schemes
    set extensions {}
    set name [dict get $now(settings) -servername]
    if {$name eq ""} {
	set name [lindex [dict get $now(settings) -server] 0]
    }
    if {$name ne "" && ![regexp {^[0-9.]+$|:} $name]} {
	lappend extensions [dict create extension_type server_name \
	    server_name_list [list [dict create name_type host_name \
	    name $name]]]
    }
    if {$version in {TLSv1.3 any}} {
	lappend extensions [list extension_type supported_versions versions \
	    [expr {$version eq "any" ? {TLSv1.3 TLSv1.2} : "TLSv1.3"}]] \
	    {extension_type psk_key_exchange_modes ke_modes psk_dhe_ke} \
	    [share x25519]
    }
    if {$version ne "TLSv1.3"} {
	lappend extensions {extension_type extended_master_secret} \
	    {extension_type ec_point_formats ec_point_format_list uncompressed}
    }
    lappend extensions {extension_type supported_groups
	named_group_list {x25519 secp256r1 secp384r1}}
    if {$version in {TLSv1.3 TLSv1.2 any}} {
	lappend extensions [list extension_type signature_algorithms \
	    supported_signature_algorithms $schemes]
    }
    return $extensions
}

# share group ?bytes? ... --
#	A key_share extension of a ClientHello with those shares; where bytes
#	are empty they are a public key, of x25519 or secp256r1.
proc ::pyossl::expect::conversation::script::share {args} {
    set shares {}
    foreach {group bytes} $args {
	lappend shares [list group $group key_exchange \
	    [expr {$bytes eq "" ? [PublicKey $group] : $bytes}]]
    }
    return [list extension_type key_share client_shares $shares]
}

proc ::pyossl::expect::conversation::script::PublicKey {group} {
    variable point
    return [expr {$group eq "secp256r1" ? $point : [::pyossl::rand bytes 32]}]
}

# greet ?arg ...? --
#	Sends a ClientHello to the server under test, on a new connection if
#	there is none yet; the arguments are those of hello.
proc ::pyossl::expect::conversation::script::greet {args} {
    variable now
    upvar 1 spawn_id spawn_id
    if {![info exists spawn_id]} {
	dial
    }
    set now(hello) [hello {*}$args]
    send -i $spawn_id -handshake ClientHello $now(hello)
}

# answered ?name? --
#	The server goes on: waits for its ServerHello or HelloRetryRequest.
# Arguments:
#	name	only this one of the two will do
# Results:
#	The message, decoded.
proc ::pyossl::expect::conversation::script::answered {{name {}}} {
    variable now
    upvar 1 spawn_id spawn_id
    set wanted [expr {$name eq "" ? "a ServerHello" : "a $name"}]
    expect -i $spawn_id -timeout [Patience] \
    -message ServerHello -from peer {
	set message $expect_out(message)
    } -message HelloRetryRequest -from peer {
	set message $expect_out(message)
    } -message * -from peer {
	fail "the $expect_out(name) came instead of $wanted"
    } -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came instead of $wanted"
    } -closed * {
	fail "the end ($expect_out(closed)) came instead of $wanted"
    } timeout {
	fail "no answer: $wanted was expected"
    }
    if {$message eq ""} {
	fail "$wanted that cannot be read: $expect_out(error)"
    }
    if {$name ne "" && [dict get $message name] ne $name} {
	fail "a [dict get $message name] came instead of $wanted"
    }
    set now(suite) [dict get $message cipher_suite]
    return $message
}

# flight ?unless? --
#	The server of TLS 1.2 goes on, up to its ServerHelloDone.
# Arguments:
#	unless	why the conversation is skipped if the server finds no suite
# Results:
#	A dict of the messages by name, decoded.
proc ::pyossl::expect::conversation::script::flight {{unless {}}} {
    variable now
    upvar 1 spawn_id spawn_id
    if {$unless ne ""} {
	set hello [either handshake_failure insufficient_security]
	if {$hello eq ""} {
	    skip $unless
	}
	set now(suite) [dict get $hello cipher_suite]
    } else {
	set hello [answered]
    }
    set messages [dict create ServerHello $hello]
    expect -i $spawn_id -timeout [Patience] \
    -message ServerHelloDone -from peer {
    } -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came instead of its flight"
    } -closed * {
	fail "the end ($expect_out(closed)) came instead of its flight"
    } timeout {
	fail "its flight has no end: a ServerHelloDone was expected"
    }
    set more 1
    while {$more} {
	expect -i $spawn_id -timeout 0 -message * -from peer {
	    dict set messages $expect_out(name) [decode $expect_out(raw) \
		-cipher $now(suite) -version $now(version)]
	} timeout {
	    set more 0
	}
    }
    return $messages
}

# key messages ?field value ...? --
#	Sends a ClientKeyExchange that fits the server's flight: with the public
#	key of nobody, or bytes that no premaster secret is encrypted in. Before
#	it a Certificate of none, if the server has asked for one.
proc ::pyossl::expect::conversation::script::key {messages args} {
    variable now
    upvar 1 spawn_id spawn_id
    if {[dict exists $messages CertificateRequest]} {
	send -i $spawn_id -handshake Certificate {version TLSv1.2
	    certificate_list {}}
    }
    set exchange [::pyossl::expect::message::keyExchange $now(suite)]
    set fields [dict create key_exchange $exchange]
    switch -- $exchange {
	ecdhe {
	    dict set fields ecdh_Yc [PublicKey \
		[dict get $messages ServerKeyExchange namedcurve]]
	}
	dhe {
	    dict set fields dh_Yc [dict get $messages ServerKeyExchange dh_Ys]
	}
	rsa {
	    dict set fields version $now(version)
	    dict set fields encrypted_pre_master_secret \
		[string repeat \x01 256]
	}
    }
    send -i $spawn_id -handshake ClientKeyExchange [dict merge $fields $args]
}

#------------------------------------------------------------------------
# With an engine
#------------------------------------------------------------------------

# established ?-script S? ?-option value ...? --
#	A handshake with the peer under test by an endpoint with an engine.
# Arguments:
#	-script	evaluated in the caller when the endpoint is there and has not
#		sent anything yet: for filters, on spawn_id
#	-wait	0: does not wait for the end of the handshake
#	options	of spawn client or spawn server
# Results:
#	The version.
proc ::pyossl::expect::conversation::script::established {args} {
    variable now
    upvar 1 spawn_id id
    set own {-script {} -wait 1}
    while {[dict exists $own [lindex $args 0]]} {
	set args [lassign $args option value]
	dict set own $option $value
    }
    if {[dict get $now(settings) side] eq "server"} {
	lassign [dict get $now(settings) -server] host port
	set name [dict get $now(settings) -servername]
	if {$name ne "" && "-servername" ni $args} {
	    lappend args -servername $name
	}
	set id [spawn -noecho client $host $port {*}$args]
    } else {
	set listener [spawn -noecho server {*}$args]
	set id [Accept $listener]
    }
    uplevel 1 [dict get $own -script]
    if {![dict get $own -wait]} {
	return
    }
    expect -i $id -timeout [Patience] -established {
	return [dict get $expect_out(established) protocol]
    } -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came in the handshake"
    } -error * {
	fail "the handshake failed: $expect_out(error)"
    } -closed * {
	fail "the end ($expect_out(closed)) came in the handshake"
    } timeout {
	fail "the handshake did not end"
    }
}

#------------------------------------------------------------------------
# What the peer does
#------------------------------------------------------------------------

# refused ?-silent? ?alert ...? --
#	The peer sends a fatal alert and closes the connection (RFC 8446, 6.2).
# Arguments:
#	-silent	or it closes without one
#	alert	those that may come; by default any
# Results:
#	The alert's description, or how it closed.
proc ::pyossl::expect::conversation::script::refused {args} {
    upvar 1 spawn_id id
    set silent 0
    if {[lindex $args 0] eq "-silent"} {
	set silent 1
	set args [lrange $args 1 end]
    }
    set wanted [expr {[llength $args] ? "the alert [join $args { or }]"
	: "a fatal alert"}]
    # To an engine the peer speaks in earnest until then.
    set goesOn [expr {[endpoint $id kind] in {client server}
	? "no such message*" : "*"}]
    expect -i $id -timeout [Patience] -alert fatal * -from peer {
	set alert [lindex $expect_out(alert) 1]
    } -message $goesOn -from peer {
	fail "it went on with a $expect_out(name): $wanted was expected"
    } -closed * {
	if {$silent} {
	    return $expect_out(closed)
	}
	fail "it closed ($expect_out(closed)) without a fatal alert:\
	    $wanted was expected"
    } timeout {
	fail "no answer: $wanted was expected"
    }
    if {[llength $args] && $alert ni $args} {
	fail "the alert $alert came instead of [join $args { or }]"
    }
    expect -i $id -timeout [Patience] -closed * {
    } -message $goesOn -from peer {
	fail "it went on with a $expect_out(name) after the alert $alert"
    } timeout {
	fail "the connection stays open after the alert $alert"
    }
    return $alert
}

# breaks --
#	The peer, which encrypts by now, sends an alert and closes the
#	connection. What the alert says nobody can tell.
proc ::pyossl::expect::conversation::script::breaks {} {
    upvar 1 spawn_id spawn_id
    expect -i $spawn_id -timeout [Patience] -record application_data -from peer {
	fail "it went on with data: an alert was expected"
    } -record alert -from peer {
    } -closed * {
	fail "it closed ($expect_out(closed)) without an alert"
    } timeout {
	fail "no answer: an alert was expected"
    }
    closes
    quiet application_data
}

# either ?alert ...? --
#	The server under test may go on or refuse, as it likes; but it may not
#	hang, nor close without an alert.
# Arguments:
#	alert	those it may refuse with; by default any
# Results:
#	Its ServerHello or HelloRetryRequest, decoded; empty if it has refused.
proc ::pyossl::expect::conversation::script::either {args} {
    upvar 1 spawn_id spawn_id
    expect -i $spawn_id -timeout [Patience] \
    -message ServerHello -from peer {
	return $expect_out(message)
    } -message HelloRetryRequest -from peer {
	return $expect_out(message)
    } -message * -from peer {
	fail "a $expect_out(name) came instead of a ServerHello"
    } -alert fatal * -from peer {
	set alert [lindex $expect_out(alert) 1]
	if {[llength $args] && $alert ni $args} {
	    fail "the alert $alert came: a ServerHello or\
		[join $args { or }] was expected"
	}
    } -closed * {
	fail "it closed ($expect_out(closed)) without an alert"
    } timeout {
	fail "no answer"
    }
    closes
    return {}
}

# lacks message extension why --
#	An extension is not in a message; an empty message has none.
proc ::pyossl::expect::conversation::script::lacks {message name why} {
    if {$message ne "" && [extension $message $name] ne ""} {
	fail $why
    }
}

# closes --
#	The peer ends the connection, in whatever way.
proc ::pyossl::expect::conversation::script::closes {} {
    upvar 1 spawn_id id
    expect -i $id -timeout [Patience] -closed * {
	set how $expect_out(closed)
    } timeout {
	fail "the connection stays open"
    }
    # To a raw endpoint close_notify alone is not the end of the transport.
    if {![::pyossl::expect::Until [list $id] {
	[::pyossl::expect::endpoint::get $id eof]
    } [Patience]]} {
	fail "the connection stays open after close_notify"
    }
    return $how
}

# quiet type --
#	There has been no record of a type from the peer up to now.
proc ::pyossl::expect::conversation::script::quiet {type} {
    upvar 1 spawn_id id
    foreach event [::pyossl::expect::event::list $id] {
	if {[dict get $event kind] eq "record"
		&& [dict get $event from] eq "peer"
		&& [dict get $event type] eq $type} {
	    fail "a record of type $type came, of [dict get $event length]\
		bytes"
	}
    }
}
